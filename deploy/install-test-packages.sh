#!/usr/bin/env bash
# Installs the Debian packages that wire and page tests drive. Without root, or without apt-get,
# it says which tests will skip and why, and succeeds: the tests themselves name what they miss.
set -euo pipefail

packages=()
command -v mbpoll >/dev/null || packages+=(mbpoll)
command -v socat >/dev/null || packages+=(socat)
command -v chromium >/dev/null || packages+=(chromium)
command -v ffmpeg >/dev/null || packages+=(ffmpeg)
[ -x /usr/lib/postgresql/15/bin/initdb ] || packages+=(postgresql-15)
ldconfig -p | grep -q libaravis-0.8.so.0 || packages+=(libaravis-0.8-0)
command -v arv-fake-gv-camera-0.8 >/dev/null || packages+=(aravis-tools)
[ -x /usr/lib/openssh/sftp-server ] || packages+=(openssh-client openssh-sftp-server)
command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || packages+=(mosquitto)
command -v pdftoppm >/dev/null || packages+=(poppler-utils)
[ -e /usr/include/modbus/modbus.h ] || packages+=(libmodbus-dev gcc)
command -v stunnel4 >/dev/null || packages+=(stunnel4)
command -v openssl >/dev/null || packages+=(openssl)
command -v npm >/dev/null || packages+=(npm)
command -v halcmd >/dev/null || packages+=(linuxcnc-uspace)
command -v Xvfb >/dev/null || packages+=(xvfb)
command -v ip >/dev/null || packages+=(iproute2)
command -v promtool >/dev/null || packages+=(prometheus)

node_packages() {
  local wanted=(modbus-serial@8.0.25 sparkplug-payload@1.0.3 node-opcua-client@2.182.2)
  [ -d var/node/node_modules/modbus-serial ] && [ -d var/node/node_modules/sparkplug-payload ] &&
    [ -d var/node/node_modules/node-opcua-client ] && return
  command -v npm >/dev/null || return 0
  mkdir -p var/node
  npm install --silent --no-audit --no-fund --prefix var/node "${wanted[@]}" >/dev/null ||
    echo "note: ${wanted[*]} could not be installed; tests that need them will skip"
}

cd "$(dirname "$0")/.."
if [ "${#packages[@]}" -eq 0 ]; then
  node_packages
  exit 0
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "note: ${packages[*]} not installed; tests that need them will skip (as root: apt-get install ${packages[*]})"
  node_packages
  exit 0
fi
echo "installing ${packages[*]} ..."
if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${packages[@]}"; } >/dev/null; then
  echo "note: ${packages[*]} could not be installed; tests that need them will skip"
fi
node_packages
