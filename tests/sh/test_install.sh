#!/bin/sh
# What "cmake --install" puts in place is enough: a C program compiles and links against libxai through
# pkg-config, the program runs, and a stock lua5.4 loads the module.
set -eu
if [ "${XAI_SANITIZE:-OFF}" = ON ]; then
  echo "skipped: a program built without the sanitizers cannot load libraries built with them"
  exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
DESTDIR=$dir cmake --install "$XAI_BUILD" >/dev/null
pc=$(find "$dir" -name xai.pc)
libdir=$(dirname "$(dirname "$pc")")
program=$(find "$dir" -type f -name xairun)
module=$(find "$dir" -path '*/lua/5.4/xai.so')

cat >"$dir/user.c" <<'C'
#include <stdio.h>
#include <xai.h>
int main(void) {
  xai_stop_request();
  printf("%s %s\n", XAI_VERSION, xai_stop_requested() ? xai_status_text(XAI_ESTOP) : "not heard");
  return 0;
}
C
flags=$(PKG_CONFIG_SYSROOT_DIR=$dir PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --cflags --libs xai)
# shellcheck disable=SC2086
${CC:-cc} -std=c11 -Wall -Werror "$dir/user.c" -o "$dir/user" $flags
[ "$(LD_LIBRARY_PATH=$libdir "$dir/user")" = "0.1.0 interrupted" ]
echo "ok   a C program links and runs"

[ "$("$program" --version)" = "xairun 0.1.0" ]
echo "ok   the installed program runs"

if command -v lua5.4 >/dev/null; then
  [ "$(LUA_CPATH="$(dirname "$module")/?.so" lua5.4 -e 'print(type(require "xai"))')" = table ]
  echo "ok   a stock lua5.4 loads the module"
fi
