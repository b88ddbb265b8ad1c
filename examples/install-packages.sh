# SPDX-License-Identifier: Apache-2.0
# Sourced by demo.sh and tests/run.sh: `install_missing PACKAGE...` installs what dpkg doesn't have.
install_missing() {
  missing=
  for package in "$@"; do
    if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
      missing="$missing $package"
    fi
  done
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "Please install:$missing" >&2
    return 1
  fi
  as_root=
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "Please install (as root): apt-get install$missing" >&2
      return 1
    fi
    as_root=sudo
  fi
  echo "installing:$missing" >&2
  $as_root apt-get update -qq >&2
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >&2
}

# What building the library and the temper program takes.
build_packages="g++ meson ninja-build pkg-config nlohmann-json3-dev libpcre2-dev libcli11-dev libhwy-dev libdnnl-dev libopenblas-openmp-dev"
