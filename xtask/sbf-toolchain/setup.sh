#!/bin/bash
# Makes a Solana SBPF toolchain from Debian bookworm(-security) packages and crates.io; README.md says why and how.
#   setup.sh PREFIX          make it in PREFIX (nothing to do when this recipe is already there)
#   setup.sh --check PREFIX  exit status 0: ready; 1: not, and prints the reason
# Environment:
#   DEBS=folder   where the .deb files are kept and looked for first (default: PREFIX-debs)
#   JOBS=n        parallel jobs of the post-linker's build
#   FORCE=1       try whatever version of rustc-web Debian has
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
die() {
  echo "sbf-toolchain: $*" >&2
  exit 1
}
say() { echo "sbf-toolchain: $* (${SECONDS} s)"; }
# shellcheck source-path=SCRIPTDIR source=debian-packages.sh
source "$here/debian-packages.sh"

# A hash of everything that decides what the toolchain does. Stored in the stamp: another recipe means another toolchain.
recipe_hash() {
  (cd "$here" && find setup.sh debian-packages.sh bin plugin runtime std target-spec postlink -type f -not -path '*/target/*' -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}

# ready PREFIX: whether a working toolchain of this recipe is there; prints the version or the reason.
ready() {
  local prefix=$1 version tool
  [[ -f $prefix/stamp ]] || { echo "not installed in $prefix"; return 1; }
  [[ $(head -n 1 "$prefix/stamp") == "$recipe" ]] || { echo "$prefix was made by another version of the recipe"; return 1; }
  version=$("$prefix/bin/rustc-sbf" -vV 2>&1 | sed -n 's/^release: //p')
  [[ $version == 1.* ]] || { echo "$prefix/bin/rustc-sbf does not run"; return 1; }
  for tool in llvm-ar llvm-link opt llc; do
    LD_LIBRARY_PATH=$prefix/deb/usr/lib/x86_64-linux-gnu "$prefix/deb/usr/lib/llvm-$LLVM_VERSION/bin/$tool" --version >/dev/null 2>&1 ||
      { echo "$tool does not run"; return 1; }
  done
  [[ -x $prefix/bin/sbf-postlink && -f $prefix/lib/libSbfLower.so ]] || { echo "$prefix is incomplete"; return 1; }
  echo "ready: rustc $version, recipe $recipe"
}

require_commands() {
  local command missing=()
  for command in dpkg-deb tar xz patch g++ cargo md5sum sha256sum flock strip; do
    command -v "$command" >/dev/null || missing+=("$command")
  done
  [[ ${#missing[@]} == 0 ]] ||
    die "missing commands: ${missing[*]} (Debian: apt-get install dpkg tar xz-utils patch g++ binutils coreutils util-linux; cargo from rustup or rust:1.95)"
  [[ $(dpkg --print-architecture) == amd64 ]] || die "this recipe was written for amd64 and tried nowhere else"
}

# unpack PACKAGE PATTERN...: the matching files of a package into the private root $build/deb.
unpack() {
  local file
  file=$(deb_file "$debs" "$1") || die "no package $1 in $debs"
  shift
  dpkg-deb --fsys-tarfile "$file" | tar -x -C "$build/deb" --wildcards "$@" || die "cannot unpack $file"
}

unpack_toolchain() {
  local tools=./usr/lib/llvm-$LLVM_VERSION/bin
  unpack rustc-web ./usr/bin/rustc
  unpack libstd-rust-web-dev './usr/lib/rustlib/*'
  unpack "${rust_packages[3]}" './usr/lib/*'
  unpack "libllvm$LLVM_VERSION" './usr/lib/*'
  unpack "llvm-$LLVM_VERSION" "$tools"/{llvm-ar,llvm-link,opt,llc,llvm-objdump,llvm-nm}
  unpack libz3-4 './usr/lib/*'
  unpack libedit2 './usr/lib/*'
  unpack rust-web-src './usr/src/rustc-*/library'
  local sources=("$build"/deb/usr/src/rustc-*/library)
  [[ -d ${sources[0]} ]] || die "rust-web-src has no library sources"
  mv "${sources[0]}" "$build/sysroot/lib/rustlib/src/rust/"
  rm -rf "$build/deb/usr/src"
}

# The standard library learns of target_os = "solana" (-Zbuild-std compiles it with every program).
patch_std() {
  local library=$build/sysroot/lib/rustlib/src/rust log
  if ! log=$(patch --dry-run -p1 -d "$library" <"$here/std/solana.patch"); then
    die "std/solana.patch (for $RUST_VERSION) does not apply to $(basename "$(deb_file "$debs" rust-web-src)"):
$(grep -B2 -iE 'FAILED|No file to patch|skipp' <<<"$log" | sed 's/^/    /')
  Rebase these hunks of std/solana.patch; the rest applies. Until then use kept $RUST_VERSION packages: DEBS=folder."
  fi
  patch -s -p1 -d "$library" <"$here/std/solana.patch"
}

install_files() {
  ln -sfn ../../../deb/usr/lib/rustlib/x86_64-unknown-linux-gnu "$build/sysroot/lib/rustlib/x86_64-unknown-linux-gnu"
  install -m755 "$here"/bin/{sbf-ld,rustc-sbf,cargo-sbf} "$build/bin/"
  install -m644 "$here/runtime/sbf_rt.ll" "$build/lib/"
  install -m644 "$here"/target-spec/*.json "$build/target-spec/"
}

build_postlink() {
  (cd "$here/postlink" && env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_TARGET_DIR \
    cargo build --locked --release -q ${JOBS:+-j "$JOBS"} --target-dir "$build/postlink-target")
}

build_plugin() {
  local llvm=/usr/lib/llvm-$LLVM_VERSION
  unpack "llvm-$LLVM_VERSION-dev" './usr/include/*' ".$llvm/include/*"
  # No RTTI and no exceptions, as LLVM itself is built: a plugin must agree with its host on both.
  g++ -std=c++17 -O1 -fPIC -shared -fno-rtti -fno-exceptions -w -D_GNU_SOURCE \
    -I"$build/deb/usr/include/llvm-$LLVM_VERSION" -I"$build/deb/usr/include/llvm-c-$LLVM_VERSION" \
    "$here/plugin/SbfLower.cpp" -o "$build/lib/libSbfLower.so" ||
    die "the plugin does not compile against $(basename "$(deb_file "$debs" "llvm-$LLVM_VERSION-dev")")"
  rm -rf "$build/deb/usr/include" "$build/deb$llvm/include"
}

main() {
  local check='' prefix build debs recipe message postlink
  if [[ ${1:-} == --check ]]; then
    check=1
    shift
  fi
  [[ -n ${1:-} ]] || die "usage: setup.sh [--check] PREFIX"
  prefix=$(readlink -m "$1")
  recipe=$(recipe_hash)
  if [[ -n $check ]]; then
    ready "$prefix"
    return
  fi
  require_commands
  mkdir -p "$(dirname "$prefix")" || die "cannot create $(dirname "$prefix")"
  # Two set-ups at once: the second waits, then finds the first one's work.
  exec 9>"$prefix.lock"
  flock 9
  if message=$(ready "$prefix"); then
    say "$message, nothing to do"
    return
  fi

  # Made beside its place and moved there when it works: an interrupted set-up leaves the previous toolchain whole.
  build=$prefix.partial
  rm -rf "$build"
  mkdir -p "$build"/{deb,bin,lib,target-spec,sysroot/bin,sysroot/lib/rustlib/src/rust}
  debs=${DEBS:-$prefix-debs}
  mkdir -p "$debs"
  debs=$(readlink -f "$debs")
  fetch_packages "$debs"
  say "unpacking"
  unpack_toolchain
  patch_std
  install_files
  say "compiling the plugin and the post-linker"
  build_postlink &
  postlink=$!
  (build_plugin) || { kill "$postlink" 2>/dev/null || true; exit 1; }
  wait "$postlink" || die "the post-linker does not build (is crates.io reachable?)"
  install -m755 "$build/postlink-target/release/sbf-postlink" "$build/bin/"
  strip "$build/bin/sbf-postlink" "$build/lib/libSbfLower.so"
  rm -rf "$build/postlink-target"
  {
    echo "$recipe"
    local package
    for package in "${rust_packages[@]}" "${other_packages[@]}"; do basename "$(deb_file "$debs" "$package")"; done
  } >"$build/stamp"
  message=$(ready "$build") || die "$message"
  rm -rf "$prefix"
  mv "$build" "$prefix"
  say "$message"
}

main "$@"
