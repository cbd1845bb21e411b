#!/bin/sh
# Every public header compiles alone, as C11 and (if there is a C++ compiler) as C++, without a warning.
set -eu
cd "${XAI_SOURCE:-.}/include"
lua=$(pkg-config --cflags lua5.4)
strict="-Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only -I."
for header in *.h */*.h; do
  # lua: several -I options, or none
  # shellcheck disable=SC2086
  printf '#include "%s"\n' "$header" | ${CC:-cc} -x c -std=c11 $strict $lua -
  if command -v g++ >/dev/null; then
    # shellcheck disable=SC2086
    printf '#include "%s"\n' "$header" | g++ -x c++ -std=c++11 $strict $lua -
  fi
  echo "ok   $header"
done
