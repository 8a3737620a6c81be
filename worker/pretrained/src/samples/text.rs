//! Texts, settings and data that people read.

use super::template::Template;

pub(super) const TYPES: &[Template] = &[
    Template {
        name: "data.json",
        head: "{\n  \"name\": \"{w}-{w}\",\n  \"version\": \"{n}.0.1\",\n  \"items\": [\n",
        parts: &[
            "    { \"id\": {n}, \"{w}\": \"{w}\", \"{w}\": { \"{w}\": {f}, \"{w}\": null }, \"tags\": [\"{w}\", \"{w}\"] },\n",
        ],
        tail: "    { \"id\": {n}, \"{w}\": true }\n  ]\n}\n",
    },
    Template {
        name: "lines.jsonl",
        head: "",
        parts: &[
            "{\"time\": {n}, \"level\": \"info\", \"message\": \"{s}\", \"{w}\": {f}}\n",
            "{\"time\": {n}, \"level\": \"warn\", \"message\": \"{s}\", \"{w}\": [{n}, {n}]}\n",
        ],
        tail: "{\"time\": {n}, \"level\": \"info\", \"message\": \"{s}\"}\n",
    },
    Template {
        name: "table.csv",
        head: "id,{w},{w},{w},{w}\n",
        parts: &["{n},{w},{f},{n},{w}\n{n},{w},{f},{n},{w}\n", "{n},\"{w}, {w}\",{f},{n},{w}\n{n},{w},{f},{n},{w}\n"],
        tail: "{n},{w},{f},{n},{w}\n",
    },
    Template {
        name: "table.tsv",
        head: "id\t{w}\t{w}\t{w}\n",
        parts: &["{n}\t{w}\t{f}\t{w}\n{n}\t{w}\t{f}\t{w}\n{n}\t{w}\t{f}\t{w}\n"],
        tail: "{n}\t{w}\t{f}\t{w}\n",
    },
    Template {
        name: "document.xml",
        head: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{w} xmlns=\"http://example.org/{w}\">\n",
        parts: &[
            "  <item id=\"{n}\">\n    <name>{w}</name>\n    <value unit=\"{w}\">{f}</value>\n  </item>\n",
            "  <!-- {s} -->\n",
        ],
        tail: "</root>\n",
    },
    Template {
        name: "page.html",
        head: "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"utf-8\">\n  <title>{s}</title>\n  <link rel=\"stylesheet\" href=\"{w}.css\">\n</head>\n<body>\n",
        parts: &[
            "<h2 id=\"{w}\">{W} {w}</h2>\n<p>{s} {s}</p>\n",
            "<ul class=\"{w}\">\n  <li><a href=\"/{w}\">{w}</a></li>\n  <li>{s}</li>\n</ul>\n",
            "<div class=\"{w}\"><img src=\"{w}.png\" alt=\"{w}\"><br></div>\n",
        ],
        tail: "<script src=\"{w}.js\"></script>\n</body>\n</html>\n",
    },
    Template {
        name: "style.css",
        head: "/* {s} */\n:root {\n  --{w}: #{x};\n}\n\n",
        parts: &[
            ".{w}-{w} > li:hover {\n  color: #3a3a3a;\n  margin: 0 auto;\n  padding: {n}px;\n  display: flex;\n}\n\n",
            "@media (max-width: {n}px) {\n  #{w} {\n    width: 100%;\n    background: url(\"{w}.png\") no-repeat;\n  }\n}\n\n",
        ],
        tail: "body { font-family: sans-serif; }\n",
    },
    Template {
        name: "style.scss",
        head: "@import 'variables';\n\n${w}: #{x};\n\n",
        parts: &[
            ".{w} {\n  color: ${w};\n\n  &:hover {\n    @include {w}-{w}({n}px);\n  }\n\n  .{w} & {\n    @extend %{w};\n  }\n}\n\n",
            "@mixin {w}-{w}(${w}) {\n  width: calc(100% - #{${w}});\n}\n\n",
        ],
        tail: "",
    },
    Template {
        name: "values.yaml",
        head: "---\n# {s}\nversion: {n}\nname: {w}\n",
        parts: &[
            "{i}:\n  - name: {w}\n    image: {w}:{n}\n    env:\n      - {w}={w}\n",
            "{i}:\n  enabled: true\n  {w}: {n}\n  {w}: \"{w}\"\n",
        ],
        tail: "{w}: null\n",
    },
    Template {
        name: "settings.toml",
        head: "# {s}\n[package]\nname = \"{w}-{w}\"\nversion = \"0.{n}.0\"\nedition = \"2021\"\n\n[dependencies]\n",
        parts: &[
            "{i} = { version = \"1.{n}\", features = [\"{w}\"] }\n{i} = \"0.{n}\"\n",
            "[{w}.{w}]\n{w} = {n}\n{w} = [\"{w}\", \"{w}\"]\n\n",
        ],
        tail: "",
    },
    Template {
        name: "settings.ini",
        head: "; {s}\n[{w}]\n",
        parts: &["{w} = {n}\n{w} = {w}\n", "\n[{i}]\n{w}={w}\n{w}_path=/var/{w}\n"],
        tail: "\n[{w}]\nenabled=1\n",
    },
    Template {
        name: "notes.md",
        head: "# {W} {w}\n\n{s} {s}\n\n",
        parts: &[
            "## {W} {w}\n\n{s} {s} {s}\n\n",
            "- **{w}**: {s}\n- `{i}`: {s}\n- [{w}](https://example.org/{w})\n\n",
            "```sh\n{w} --{w} {n}\n```\n\n",
            "| {w} | {w} |\n|---|---|\n| {n} | {w} |\n\n",
        ],
        tail: "{s}\n",
    },
    Template {
        name: "guide.rst",
        head: "{W} {w}\n===============\n\n{s} {s}\n\n.. contents::\n   :local:\n\n",
        parts: &[
            "{W} {w}\n---------------\n\n{s} See :ref:`{w}` and ``{i}``.\n\n",
            ".. code-block:: python\n\n    import {w}\n    {w}.{w}({n})\n\n",
            ".. note::\n\n   {s}\n\n",
        ],
        tail: ".. _{w}: https://example.org\n",
    },
    Template {
        name: "story.txt",
        head: "{s} {s}\n\n",
        parts: &["{s} {s} {s} {s}\n\n", "{s} {s}\n{s}\n\n"],
        tail: "{s}\n",
    },
    Template {
        name: "paper.tex",
        head: "\\documentclass[a4paper]{article}\n\\usepackage{amsmath}\n\\title{{s}}\n\\begin{document}\n\\maketitle\n\n",
        parts: &[
            "\\section{{W} {w}}\n\\label{sec:{w}}\n{s} {s}\n\n",
            "\\begin{equation}\n  \\sum_{i=1}^{n} x_i = \\frac{{n}}{{n}}\n\\end{equation}\n\n",
            "\\begin{itemize}\n  \\item {s}\n  \\item \\emph{{w}} \\cite{{w}{n}}\n\\end{itemize}\n\n",
        ],
        tail: "\\end{document}\n",
    },
    Template {
        name: "references.bib",
        head: "% {s}\n",
        parts: &[
            "@article{{w}{n},\n  author = {{W}, A. and {W}, B.},\n  title = {{s}},\n  journal = {Journal of {W}},\n  year = {{n}},\n  pages = {{n}--{n}},\n}\n\n",
            "@book{{w}{n},\n  author = {{W}, C.},\n  title = {The {W}},\n  publisher = {{W} Press},\n  year = {{n}},\n}\n\n",
        ],
        tail: "",
    },
    Template {
        name: "Makefile",
        head: "# {s}\nCC ?= gcc\nCFLAGS := -Wall -O2\n\n.PHONY: all clean\n\nall: {w}\n\n",
        parts: &[
            "{w}: {w}.o {w}.o\n\t$(CC) $(CFLAGS) -o $@ $^\n\n",
            "%.o: %.c {w}.h\n\t$(CC) $(CFLAGS) -c $< -o $@\n\n",
            "install-{w}: {w}\n\tinstall -m 755 {w} $(DESTDIR)/usr/bin\n\n",
        ],
        tail: "clean:\n\trm -f *.o\n",
    },
    Template {
        name: "Dockerfile",
        head: "# {s}\nFROM debian:bookworm-slim AS build\n\n",
        parts: &[
            "RUN apt-get update && apt-get install -y --no-install-recommends \\\n    {w} \\\n    {w} \\\n    && rm -rf /var/lib/apt/lists/*\n\n",
            "COPY {w} /opt/{w}\nWORKDIR /opt/{w}\nENV {w}={n}\n\n",
            "COPY --from=build /opt/{w} /usr/bin/{w}\nEXPOSE {n}\n\n",
        ],
        tail: "ENTRYPOINT [\"/usr/bin/{w}\"]\nCMD [\"--{w}\"]\n",
    },
    Template {
        name: "CMakeLists.txt",
        head: "# {s}\ncmake_minimum_required(VERSION 3.16)\nproject({w} LANGUAGES C CXX)\n\nset(CMAKE_CXX_STANDARD 17)\n\n",
        parts: &[
            "add_library({w} STATIC src/{w}.cpp src/{w}.cpp)\ntarget_include_directories({w} PUBLIC include)\n\n",
            "if(BUILD_TESTING)\n  find_package({W} REQUIRED)\n  target_link_libraries({w} PRIVATE {W}::{W})\nendif()\n\n",
        ],
        tail: "install(TARGETS {w} DESTINATION lib)\n",
    },
    Template {
        name: "change.diff",
        head: "diff --git a/src/{w}.c b/src/{w}.c\nindex {x}..{x} 100644\n--- a/src/{w}.c\n+++ b/src/{w}.c\n",
        parts: &[
            "@@ -{n},7 +{n},8 @@ int {i}(void)\n     int {w} = 0;\n \n-    return {w};\n+    {w} += {n};\n+    return {w};\n }\n",
            "@@ -{n},6 +{n},5 @@\n #include \"{w}.h\"\n-#include \"{w}.h\"\n \n",
        ],
        tail: "",
    },
    Template {
        name: "calendar.ics",
        head: "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//{W}//{W}//EN\r\n",
        parts: &[
            "BEGIN:VEVENT\r\nUID:{x}@example.org\r\nDTSTAMP:20240102T030405Z\r\nDTSTART:20240203T100000Z\r\nSUMMARY:{s}\r\nLOCATION:{W}\r\nEND:VEVENT\r\n",
        ],
        tail: "END:VCALENDAR\r\n",
    },
    Template {
        name: "letter.eml",
        head: "Return-Path: <{w}@example.org>\r\nReceived: from mail.example.org (mail.example.org [192.0.2.1])\r\n\tby mx.example.com; Tue, 02 Jan 2024 03:04:05 +0000\r\nFrom: {W} <{w}@example.org>\r\nTo: {W} <{w}@example.com>\r\nSubject: {s}\r\nMessage-ID: <{x}@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
        parts: &["{s} {s}\r\n\r\n", "> {s}\r\n> {s}\r\n\r\n"],
        tail: "-- \r\n{W}\r\n",
    },
    Template {
        name: "subtitles.srt",
        head: "1\n00:00:01,000 --> 00:00:04,000\n{s}\n\n",
        parts: &["{n}\n00:01:11,100 --> 00:01:14,500\n{s}\n\n", "{n}\n00:02:21,300 --> 00:02:24,900\n{s}\n{s}\n\n"],
        tail: "",
    },
    Template {
        name: "subtitles.vtt",
        head: "WEBVTT\n\n",
        parts: &["00:01:11.100 --> 00:01:14.500\n{s}\n\n", "{n}\n00:02:21.300 --> 00:02:24.900 align:start\n- {s}\n\n"],
        tail: "",
    },
    Template {
        name: "drawing.svg",
        head: "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{n}\" height=\"{n}\" viewBox=\"0 0 {n} {n}\">\n",
        parts: &[
            "  <path d=\"M{n} {n}L{f} {f}C{f} {f} {f} {f} {n} {n}z\" fill=\"#3a3a3a\"/>\n",
            "  <g transform=\"translate({n},{n})\"><circle cx=\"{n}\" cy=\"{n}\" r=\"{f}\" stroke=\"black\"/></g>\n",
        ],
        tail: "</svg>\n",
    },
    Template {
        name: "message.proto",
        head: "// {s}\nsyntax = \"proto3\";\n\npackage {w}.{w};\n\nimport \"google/protobuf/timestamp.proto\";\n\n",
        parts: &[
            "message {W}{W} {\n  string {w} = 1;\n  repeated int64 {i} = 2;\n  map<string, {W}> {w} = 3;\n}\n\n",
            "service {W} {\n  rpc {W}({W}Request) returns (stream {W}Response);\n}\n\n",
        ],
        tail: "",
    },
    Template {
        name: "main.tf",
        head: "terraform {\n  required_version = \">= 1.0\"\n}\n\nprovider \"aws\" {\n  region = var.{w}\n}\n\n",
        parts: &[
            "resource \"aws_{w}\" \"{w}\" {\n  name = \"{w}-${var.{w}}\"\n  count = {n}\n\n  tags = {\n    {W} = \"{w}\"\n  }\n}\n\n",
            "variable \"{i}\" {\n  description = \"{s}\"\n  type        = string\n  default     = \"{w}\"\n}\n\n",
        ],
        tail: "output \"{w}\" {\n  value = aws_{w}.{w}.id\n}\n",
    },
    Template {
        name: "model.stl",
        head: "solid {w}\n",
        parts: &[
            "  facet normal {f} {f} {f}\n    outer loop\n      vertex {f} {f} {f}\n      vertex {f} {f} {f}\n      vertex {f} {f} {f}\n    endloop\n  endfacet\n",
        ],
        tail: "endsolid {w}\n",
    },
    Template {
        name: "letter.rtf",
        head: "{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fnil\\fcharset0 Calibri;}}\r\n\\viewkind4\\uc1\\pard\\sa200\\sl276\\slmult1\\f0\\fs22 ",
        parts: &["{s}\\par\r\n", "\\b {s}\\b0\\par\r\n"],
        tail: "}\r\n",
    },
    Template {
        name: "figure.ps",
        head: "%!PS-Adobe-3.0\n%%Title: {w}\n%%BoundingBox: 0 0 {n} {n}\n%%EndComments\n/{w} { moveto lineto stroke } def\n",
        parts: &[
            "{n} {n} {n} {n} {w}\nnewpath\n{n} {n} moveto\n{n} {n} lineto\n{f} setlinewidth stroke\n",
            "/Helvetica findfont {n} scalefont setfont\n{n} {n} moveto ({w}) show\n",
        ],
        tail: "showpage\n%%EOF\n",
    },
    Template { name: "list.m3u", head: "#EXTM3U\n", parts: &["#EXTINF:{n},{W} - {W} {w}\n{w}/{w}.mp3\n"], tail: "" },
    Template {
        name: "messages.po",
        head: "# {s}\nmsgid \"\"\nmsgstr \"\"\n\"Project-Id-Version: {w} {n}\\n\"\n\"Language: de\\n\"\n\"MIME-Version: 1.0\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\n",
        parts: &[
            "#: src/{w}.c:{n}\nmsgid \"{s}\"\nmsgstr \"{s}\"\n\n",
            "#, c-format\nmsgid \"%d {w}\"\nmsgstr \"%d {w}\"\n\n",
        ],
        tail: "",
    },
    Template {
        name: "registry.reg",
        head: "Windows Registry Editor Version 5.00\r\n\r\n",
        parts: &[
            "[HKEY_LOCAL_MACHINE\\SOFTWARE\\{W}\\{W}]\r\n\"{W}\"=dword:{x}\r\n\"{W}\"=\"C:\\\\{W}\\\\{w}.exe\"\r\n\r\n",
            "[HKEY_CURRENT_USER\\Software\\{W}]\r\n@=\"{w}\"\r\n\r\n",
        ],
        tail: "",
    },
];
