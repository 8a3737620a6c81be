# shellcheck shell=bash
# Which Debian packages the toolchain is made of, and how their .deb files get into a folder that is kept, so that a later set-up needs
# no network. Sourced by setup.sh, which provides `say` and `die`. Nothing is installed in the system and root is not needed.

# The versions that std/solana.patch and plugin/ were written for.
RUST_VERSION=1.96.0
LLVM_VERSION=22

rust_packages=(rust-web-src rustc-web libstd-rust-web-dev "libstd-rust-web-${RUST_VERSION%.*}")
other_packages=("libllvm$LLVM_VERSION" "llvm-$LLVM_VERSION" "llvm-$LLVM_VERSION-dev" libz3-4 libedit2)

# deb_file FOLDER PACKAGE: the newest .deb of a package in the folder; fails when there is none.
deb_file() {
  local newest='' candidate
  for candidate in "$1/$2"_*.deb; do
    [[ -e $candidate ]] && newest=$candidate
  done
  [[ -n $newest ]] && echo "$newest"
}

# missing_packages FOLDER: the packages that are not in the folder, one a line.
missing_packages() {
  local package
  for package in "${rust_packages[@]}" "${other_packages[@]}"; do
    deb_file "$1" "$package" >/dev/null || echo "$package"
  done
}

# drop_damaged FOLDER: removes every kept .deb that is not what was downloaded. Files that a person put there (no sum) are trusted.
drop_damaged() {
  local sums=$1/SHA256SUMS file
  [[ -f $sums ]] || return 0
  (cd "$1" && sha256sum --check --ignore-missing --quiet SHA256SUMS 2>/dev/null) | sed -n 's/: FAILED.*//p' | while read -r file; do
    say "$file in $1 is damaged and will be fetched again"
    rm -f "$1/$file"
  done
}

# wanted_rust APT_OPTION...: the newest rustc-web of RUST_VERSION in the package lists; with FORCE=1 the newest of any version.
wanted_rust() {
  local versions
  versions=$(apt-cache "$@" madison rustc-web 2>/dev/null | awk '{print $3}' | sort -rV)
  if [[ -n ${FORCE:-} ]]; then head -n 1 <<<"$versions"; else grep -m 1 "^${RUST_VERSION//./\\.}+" <<<"$versions" || true; fi
}

# download FOLDER APT_OPTION...: fetches what is missing with the package lists that the options name; fails without changing the folder.
download() {
  local folder=$1 rust package wanted=() fresh
  shift
  rust=$(wanted_rust "$@")
  [[ -n $rust ]] || return 1
  while read -r package; do
    case $package in
      libstd-rust-web-[0-9]*) wanted+=("libstd-rust-web-$(cut -d. -f1,2 <<<"$rust")=$rust") ;;
      *rust*) wanted+=("$package=$rust") ;;
      *) wanted+=("$package") ;;
    esac
  done < <(missing_packages "$folder")
  fresh=$(mktemp -d "$folder/download-XXXXXX")
  if (cd "$fresh" && apt-get "$@" -o APT::Sandbox::User="$(id -un)" -qq download "${wanted[@]}"); then
    (cd "$fresh" && sha256sum -- *.deb >>"$folder/SHA256SUMS" && mv -- *.deb "$folder/")
    rm -rf "$fresh"
  else
    rm -rf "$fresh"
    return 1
  fi
}

# fetch_packages FOLDER: afterwards the folder holds every package, or the script has ended with what to do.
fetch_packages() {
  local folder=$1 lists options
  drop_damaged "$folder"
  [[ -n $(missing_packages "$folder") ]] || return 0
  command -v apt-get >/dev/null || die "no apt-get here: put these packages (bookworm, amd64) in a folder and set DEBS=folder: $(missing_packages "$folder" | xargs)"

  # The system's package lists may be absent, or so old that they lack the security archive's rustc-web or name files that are gone.
  say "fetching Debian packages (190 MB, kept in $folder)"
  if [[ -n $(wanted_rust) ]] && download "$folder"; then return 0; fi
  say "the system's package lists do not lead to rustc-web $RUST_VERSION; fetching private ones"
  lists=$(mktemp -d)
  mkdir -p "$lists"/{lists/partial,cache/archives/partial}
  options=(-o Dir::State::lists="$lists/lists" -o Dir::Cache="$lists/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)")
  # A third-party archive that does not answer must not matter: what counts is whether the packages are found afterwards.
  apt-get "${options[@]}" -qq update || say "apt-get update reported errors; looking at what it fetched"
  if download "$folder" "${options[@]}"; then
    rm -rf "$lists"
    return 0
  fi
  local seen
  seen=$(apt-cache "${options[@]}" madison rustc-web 2>/dev/null | awk '{print $3}' | sort -uV | xargs)
  rm -rf "$lists"
  die "cannot fetch $(missing_packages "$folder" | xargs).
  This recipe needs rustc-web $RUST_VERSION; the Debian archive offers: ${seen:-nothing, or it cannot be reached}.
  Either set DEBS=folder with the missing packages (from another machine's cache or snapshot.debian.org),
  or set FORCE=1 to try a newer rustc-web: the patch is tested before anything is changed and says which file needs work."
}
