//! Programs in many languages.

use super::template::Template;

pub(super) const TYPES: &[Template] = &[
    Template {
        name: "module.py",
        head: "\"\"\"{s}\"\"\"\n\nimport os\nimport sys\nfrom typing import Dict, List, Optional\n\nDEFAULT_{n} = {n}\n\n\n",
        parts: &[
            "def {i}(self_{w}, {w}=None):\n    \"\"\"{s}\"\"\"\n    if {w} is None:\n        return []\n    for index, {w} in enumerate(os.listdir({w})):\n        print(f\"{index}\")\n    return sorted({w})\n\n\n",
            "class {W}{W}:\n    def __init__(self, {w}: int) -> None:\n        self.{w} = {w}\n\n    @property\n    def {i}(self) -> Dict[str, List[int]]:\n        return {\"{w}\": [{n}, {n}]}\n\n\n",
            "try:\n    {w} = int(sys.argv[1])\nexcept (IndexError, ValueError):\n    {w} = {n}\n\n",
        ],
        tail: "if __name__ == \"__main__\":\n    main()\n",
    },
    Template {
        name: "program.c",
        head: "/* {s} */\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include \"{w}.h\"\n\n#define MAX_{n} {n}\n\n",
        parts: &[
            "static int {i}(const char *{w}, size_t length)\n{\n    size_t i;\n\n    for (i = 0; i < length; i++) {\n        if ({w}[i] == '\\0')\n            return -1;\n    }\n    return {n};\n}\n\n",
            "struct {i} {\n    unsigned int {w};\n    char *{w};\n    struct {i} *next;\n};\n\n",
            "/* {s} */\nvoid {i}(struct {i} *p)\n{\n    memset(p, 0, sizeof(*p));\n    p->{w} = malloc({n} * sizeof(int));\n    if (!p->{w})\n        exit(1);\n}\n\n",
        ],
        tail: "int main(int argc, char **argv)\n{\n    printf(\"%d\\n\", argc);\n    return 0;\n}\n",
    },
    Template {
        name: "program.cpp",
        head: "// {s}\n#include <algorithm>\n#include <iostream>\n#include <memory>\n#include <string>\n#include <vector>\n\nnamespace {w} {\n\n",
        parts: &[
            "template <typename T>\nclass {W}{W} : public {W} {\n public:\n  explicit {W}{W}(const std::string& {w}) : {w}_({w}) {}\n  virtual ~{W}{W}() = default;\n\n private:\n  std::vector<T> {w}_;\n  std::unique_ptr<{W}> {w}_;\n};\n\n",
            "std::string {W}::{w}() const {\n  std::string result;\n  for (const auto& {w} : {w}_) {\n    result += std::to_string({w});\n  }\n  return result;\n}\n\n",
            "auto {i} = [](const std::vector<int>& v) -> int {\n  return *std::max_element(v.begin(), v.end());\n};\n\n",
        ],
        tail: "}  // namespace\n\nint main() {\n  std::cout << \"{w}\" << std::endl;\n  return 0;\n}\n",
    },
    Template {
        name: "lib.rs",
        head: "//! {s}\n\nuse std::collections::HashMap;\nuse std::fmt;\n\n",
        parts: &[
            "/// {s}\n#[derive(Clone, Debug, PartialEq)]\npub struct {W}{W} {\n    {w}: Vec<u8>,\n    {i}: Option<u64>,\n}\n\n",
            "impl {W} {\n    /// {s}\n    pub fn {i}(&mut self, {w}: &str) -> Result<usize, Error> {\n        let {w} = self.{w}.get({w}).ok_or(Error::{W})?;\n        Ok({w}.iter().filter(|x| **x > {n}).count())\n    }\n}\n\n",
            "impl fmt::Display for {W} {\n    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {\n        write!(f, \"{}\", self.{w})\n    }\n}\n\n",
        ],
        tail: "#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn {i}() {\n        assert_eq!({n}, {n});\n    }\n}\n",
    },
    Template {
        name: "main.go",
        head: "// Package {w} {s}\npackage main\n\nimport (\n\t\"errors\"\n\t\"fmt\"\n\t\"os\"\n)\n\n",
        parts: &[
            "// {W}{W} {s}\ntype {W}{W} struct {\n\t{W} string `json:\"{w}\"`\n\t{W} int64\n}\n\n",
            "func (r *{W}) {W}{W}({w} string) (int, error) {\n\tif {w} == \"\" {\n\t\treturn 0, errors.New(\"{w} is empty\")\n\t}\n\tfor _, v := range r.{w} {\n\t\tfmt.Println(v)\n\t}\n\treturn {n}, nil\n}\n\n",
        ],
        tail: "func main() {\n\tif err := run(os.Args[1:]); err != nil {\n\t\tfmt.Fprintln(os.Stderr, err)\n\t\tos.Exit(1)\n\t}\n}\n",
    },
    Template {
        name: "Program.java",
        head: "package org.example.{w};\n\nimport java.io.IOException;\nimport java.util.ArrayList;\nimport java.util.List;\n\n/**\n * {s}\n */\npublic class {W}{W} {\n\n    private static final int MAX = {n};\n\n",
        parts: &[
            "    public List<String> {w}{W}(String {w}) throws IOException {\n        List<String> result = new ArrayList<>();\n        for (int i = 0; i < MAX; i++) {\n            result.add({w} + i);\n        }\n        return result;\n    }\n\n",
            "    @Override\n    public boolean equals(Object other) {\n        return other instanceof {W} && ((({W}) other).{w} == {w});\n    }\n\n",
        ],
        tail: "    public static void main(String[] args) {\n        System.out.println(\"{w}\");\n    }\n}\n",
    },
    Template {
        name: "script.js",
        head: "'use strict';\n\nconst fs = require('fs');\nconst { {w} } = require('./{w}');\n\n",
        parts: &[
            "/**\n * {s}\n */\nfunction {w}{W}({w}, callback) {\n  if (typeof {w} === 'undefined') {\n    return callback(new Error('no {w}'));\n  }\n  document.getElementById('{w}').addEventListener('click', () => {\n    console.log({w}.length);\n  });\n}\n\n",
            "const {w}{W} = async ({w}) => {\n  const response = await fetch(`/api/${{w}}`);\n  return response.json();\n};\n\n",
        ],
        tail: "module.exports = { {w}{W}: {n} };\n",
    },
    Template {
        name: "component.ts",
        head: "import { Component, OnInit } from '@angular/core';\nimport { {W}Service } from './{w}.service';\n\n",
        parts: &[
            "export interface {W}{W} {\n  readonly id: number;\n  {w}?: string;\n  {w}: Array<{W}>;\n}\n\n",
            "export class {W}Component implements OnInit {\n  private {w}: Map<string, number> = new Map();\n\n  constructor(private readonly {w}Service: {W}Service) {}\n\n  public {w}{W}({w}: string): Promise<void> {\n    return this.{w}Service.load({w} as unknown as {W});\n  }\n}\n\n",
            "export type {W} = { kind: '{w}' } | { kind: '{w}'; value: number };\n\n",
        ],
        tail: "export default {W};\n",
    },
    Template {
        name: "run.sh",
        head: "#!/bin/bash\n# {s}\nset -euo pipefail\n\n",
        parts: &[
            "{w}=\"${1:-{w}}\"\nif [ ! -d \"$HOME/{w}\" ]; then\n  echo \"no {w}\" >&2\n  exit 1\nfi\n\n",
            "for {w} in $(ls /var/{w}); do\n  grep -q '{w}' \"$file\" && rm -f \"$file\"\ndone\n\n",
            "{i}() {\n  local name=\"$1\"\n  cat <<EOF > /tmp/{w}\n{s}\nEOF\n}\n\n",
        ],
        tail: "{i} \"$@\"\n",
    },
    Template {
        name: "script.rb",
        head: "# frozen_string_literal: true\n\nrequire 'json'\nrequire_relative '{w}'\n\nmodule {W}\n",
        parts: &[
            "  # {s}\n  class {W}{W} < Base\n    attr_reader :{w}, :{w}\n\n    def initialize({w}, options = {})\n      @{w} = {w}\n      @{w} = options.fetch(:{w}, {n})\n    end\n\n    def {i}?\n      @{w}.each { |x| puts \"#{x}\" }\n      !@{w}.nil?\n    end\n  end\n\n",
        ],
        tail: "end\n",
    },
    Template {
        name: "index.php",
        head: "<?php\n\nnamespace App\\{W};\n\nuse App\\{W}\\{W};\n\n",
        parts: &[
            "/**\n * {s}\n */\nclass {W}{W} extends {W}\n{\n    private $items = array();\n\n    public function {w}{W}($request, array $options = [])\n    {\n        foreach ($this->items as $key => $value) {\n            echo $value['{w}'] . \"\\n\";\n        }\n        return isset($_GET['{w}']) ? $_GET['{w}'] : null;\n    }\n}\n\n",
        ],
        tail: "",
    },
    Template {
        name: "script.pl",
        head: "#!/usr/bin/perl\nuse strict;\nuse warnings;\n\nmy %options = ({w} => {n});\nmy @list;\n\n",
        parts: &[
            "# {s}\nsub {i} {\n    my ($self, $name) = @_;\n    while (my $line = <STDIN>) {\n        chomp $line;\n        next if $line =~ /^\\s*#/;\n        push @list, $1 if $line =~ m/({w}\\w+)/;\n    }\n    return \\@list;\n}\n\n",
            "foreach my $key (sort keys %options) {\n    print \"$key: $options{$key}\\n\";\n}\n\n",
        ],
        tail: "1;\n",
    },
    Template {
        name: "init.lua",
        head: "-- {s}\nlocal M = {}\n\nlocal {w} = require(\"{w}\")\n\n",
        parts: &[
            "function M.{i}(name, value)\n  if value == nil then\n    return nil, \"no \" .. name\n  end\n  for i, v in ipairs(value) do\n    print(i, v)\n  end\n  return #value\nend\n\n",
            "local {i} = setmetatable({}, {\n  __index = function(t, k)\n    return rawget(t, k) or {n}\n  end,\n})\n\n",
        ],
        tail: "return M\n",
    },
    Template {
        name: "Main.kt",
        head: "package org.example.{w}\n\nimport kotlinx.coroutines.flow.Flow\n\n",
        parts: &[
            "/** {s} */\ndata class {W}{W}(val {w}: String, var {w}: Int? = null)\n\n",
            "fun {W}.{w}{W}({w}: List<String>): Map<String, Int> {\n    val result = mutableMapOf<String, Int>()\n    {w}.filter { it.isNotEmpty() }.forEach { result[it] = it.length }\n    return when {\n        result.isEmpty() -> emptyMap()\n        else -> result\n    }\n}\n\n",
        ],
        tail: "fun main(args: Array<String>) {\n    println(\"$args\")\n}\n",
    },
    Template {
        name: "View.swift",
        head: "import Foundation\nimport UIKit\n\n",
        parts: &[
            "/// {s}\nfinal class {W}{W}: UIViewController {\n    @IBOutlet weak var {w}: UILabel!\n    private let {w}: [String: Int] = [:]\n\n    override func viewDidLoad() {\n        super.viewDidLoad()\n        guard let {w} = {w} else { return }\n        self.{w}.text = \"\\({w})\"\n    }\n}\n\n",
            "extension {W} {\n    func {w}{W}(_ {w}: String) throws -> Int? {\n        return {w}.count > {n} ? nil : {w}.count\n    }\n}\n\n",
        ],
        tail: "",
    },
    Template {
        name: "Program.cs",
        head: "using System;\nusing System.Collections.Generic;\nusing System.Linq;\n\nnamespace {W}.{W}\n{\n",
        parts: &[
            "    /// <summary>\n    /// {s}\n    /// </summary>\n    public class {W}{W} : I{W}\n    {\n        public string {W} { get; set; }\n\n        public IEnumerable<int> {W}{W}(List<string> {w})\n        {\n            foreach (var item in {w}.Where(x => x != null))\n            {\n                Console.WriteLine(item);\n                yield return item.Length;\n            }\n        }\n    }\n\n",
        ],
        tail: "}\n",
    },
    Template {
        name: "Module.hs",
        head: "module Data.{W}.{W}\n  ( {w}\n  , {w}{W}\n  ) where\n\nimport qualified Data.Map as Map\nimport Data.Maybe (fromMaybe)\n\n",
        parts: &[
            "-- | {s}\ndata {W}{W} a = {W}Leaf | {W}Node a ({W}{W} a)\n  deriving (Show, Eq)\n\n",
            "{w}{W} :: Ord a => [a] -> Map.Map a Int -> Maybe Int\n{w}{W} [] _ = Nothing\n{w}{W} (x:xs) m = case Map.lookup x m of\n  Just n -> Just (n + {n})\n  Nothing -> {w}{W} xs m\n\n",
            "instance Functor {W} where\n  fmap f ({W} a) = {W} (f a)\n\n",
        ],
        tail: "",
    },
    Template {
        name: "core.clj",
        head: "(ns {w}.core\n  (:require [clojure.string :as str]\n            [{w}.{w} :refer [{w}]]))\n\n",
        parts: &[
            "(defn {w}-{w}\n  \"{s}\"\n  [{w} & args]\n  (let [result (map inc args)]\n    (when-not (empty? result)\n      (reduce + {n} result))))\n\n",
            "(def ^:private {w} {:{w} {n} :{w} \"{w}\"})\n\n",
        ],
        tail: "(defn -main [& args]\n  (println (str/join \" \" args)))\n",
    },
    Template {
        name: "server.erl",
        head: "%% {s}\n-module({w}).\n-behaviour(gen_server).\n-export([start_link/0, init/1, handle_call/3]).\n\n-record(state, {{w}, {w} = []}).\n\n",
        parts: &[
            "{i}(Name, [Head | Tail]) ->\n    case lists:member(Name, Tail) of\n        true -> {ok, Head};\n        false -> {error, not_found}\n    end;\n{i}(_, []) ->\n    {error, empty}.\n\n",
            "handle_call({{w}, Key}, _From, State = #state{}) ->\n    io:format(\"~p~n\", [Key]),\n    {reply, ok, State}.\n\n",
        ],
        tail: "",
    },
    Template {
        name: "worker.ex",
        head: "defmodule {W}.{W} do\n  @moduledoc \"\"\"\n  {s}\n  \"\"\"\n\n  use GenServer\n  alias {W}.Repo\n\n",
        parts: &[
            "  @doc \"{s}\"\n  def {i}(%{{w}: {w}} = params, opts \\\\ []) do\n    params\n    |> Map.get(:{w})\n    |> Enum.map(fn x -> x + {n} end)\n  end\n\n",
            "  defp {i}(nil), do: {:error, :not_found}\n\n",
        ],
        tail: "end\n",
    },
    Template {
        name: "analysis.r",
        head: "# {s}\nlibrary(ggplot2)\nlibrary(dplyr)\n\ndata <- read.csv(\"{w}.csv\", stringsAsFactors = FALSE)\n\n",
        parts: &[
            "{w}.{w} <- function(x, na.rm = TRUE) {\n  if (is.null(x)) {\n    stop(\"no {w}\")\n  }\n  result <- sapply(x, function(y) mean(y, na.rm = na.rm))\n  return(result)\n}\n\n",
            "data %>%\n  filter({w} > {n}) %>%\n  group_by({w}) %>%\n  summarise(mean = mean({w}), n = n())\n\n",
            "ggplot(data, aes(x = {w}, y = {w})) + geom_point() + theme_bw()\n\n",
        ],
        tail: "",
    },
    Template {
        name: "schema.sql",
        head: "-- {s}\nBEGIN;\n\n",
        parts: &[
            "CREATE TABLE IF NOT EXISTS {i} (\n    id INTEGER PRIMARY KEY AUTOINCREMENT,\n    {w} VARCHAR({n}) NOT NULL,\n    {w} TIMESTAMP DEFAULT CURRENT_TIMESTAMP,\n    FOREIGN KEY ({w}) REFERENCES {w} (id)\n);\n\n",
            "INSERT INTO {w} (id, {w}, {w}) VALUES ({n}, '{w}', {n});\n",
            "SELECT a.{w}, COUNT(*) AS total\nFROM {w} a\nLEFT JOIN {w} b ON a.id = b.{w}_id\nWHERE a.{w} > {n}\nGROUP BY a.{w}\nORDER BY total DESC;\n\n",
        ],
        tail: "COMMIT;\n",
    },
    Template {
        name: "kernel.asm",
        head: "; {s}\nsection .data\n    {w} db '{w}', 10\n    len equ $ - {w}\n\nsection .text\n    global _start\n\n_start:\n",
        parts: &[
            "{i}:\n    push rbp\n    mov rbp, rsp\n    mov rax, [rdi + {n}]\n    xor ecx, ecx\n    cmp rax, {n}\n    jne {i}\n    pop rbp\n    ret\n\n",
            "    mov eax, {n}\n    mov ebx, 1\n    int 0x80\n\n",
        ],
        tail: "    mov eax, 60\n    syscall\n",
    },
    Template {
        name: "counter.v",
        head: "// {s}\n`timescale 1ns / 1ps\n\nmodule {w} (\n    input wire clk,\n    input wire reset,\n    output reg [7:0] {w}\n);\n\n",
        parts: &[
            "    always @(posedge clk or negedge reset) begin\n        if (!reset)\n            {w} <= 8'b0;\n        else\n            {w} <= {w} + 1'b1;\n    end\n\n",
            "    wire [15:0] {i};\n    assign {i} = {w} & 16'h{x};\n\n",
        ],
        tail: "endmodule\n",
    },
    Template {
        name: "script.ps1",
        head: "# {s}\n[CmdletBinding()]\nparam(\n    [Parameter(Mandatory = $true)]\n    [string]$Path\n)\n\n$ErrorActionPreference = 'Stop'\n\n",
        parts: &[
            "function Get-{W}{W} {\n    param([string]$Name)\n    $items = Get-ChildItem -Path $Path -Filter \"*.{w}\" | Where-Object { $_.Length -gt {n} }\n    foreach ($item in $items) {\n        Write-Host \"$($item.FullName)\"\n    }\n    return $items\n}\n\n",
        ],
        tail: "Get-{W} -Name $Path\n",
    },
    Template {
        name: "build.bat",
        head: "@echo off\nrem {s}\nsetlocal enabledelayedexpansion\n\n",
        parts: &[
            "if not exist \"%~dp0{w}\" (\n    echo no {w}\n    exit /b 1\n)\n\n",
            "for /f \"tokens=*\" %%i in ('dir /b *.{w}') do (\n    set {w}=%%i\n    copy /y \"%%i\" \"%TEMP%\\{w}\"\n)\n\n",
            "set PATH=%PATH%;C:\\{W}\\bin\ncall {w}.bat\nif errorlevel 1 goto :error\n\n",
        ],
        tail: ":error\necho failed\nendlocal\n",
    },
    Template {
        name: "Contract.sol",
        head: "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.0;\n\nimport \"@openzeppelin/contracts/token/ERC20/ERC20.sol\";\n\ncontract {W}{W} is ERC20 {\n    mapping(address => uint256) private _balances;\n    event {W}(address indexed from, uint256 value);\n\n",
        parts: &[
            "    /// {s}\n    function {w}{W}(address to, uint256 amount) external payable returns (bool) {\n        require(amount > 0, \"no amount\");\n        _balances[msg.sender] -= amount;\n        emit {W}(msg.sender, amount);\n        return true;\n    }\n\n",
        ],
        tail: "}\n",
    },
    Template {
        name: "Main.scala",
        head: "package org.example.{w}\n\nimport scala.collection.mutable\nimport scala.concurrent.Future\n\n",
        parts: &[
            "/** {s} */\ncase class {W}{W}({w}: String, {w}: Option[Int] = None)\n\n",
            "object {W} extends {W}Trait {\n  def {w}{W}(xs: Seq[Int])(implicit ord: Ordering[Int]): Map[Int, Int] = {\n    xs.zipWithIndex.map { case (x, i) => x -> i }.toMap\n  }\n}\n\n",
            "trait {W}[T] {\n  val {w}: T\n  def {w}: Either[String, T]\n}\n\n",
        ],
        tail: "",
    },
];
