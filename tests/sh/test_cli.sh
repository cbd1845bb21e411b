#!/bin/sh
# The program as a whole: what it prints where, and its exit status.
set -u
program=${XAI_BUILD:-build}/xairun
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failures=0

# check NAME STATUS STDOUT STDERR COMMAND...: runs the command; the texts must be equal to the last newline.
check() {
  name=$1 status=$2 out=$3 err=$4
  shift 4
  "$@" >stdout 2>stderr </dev/null
  got=$?
  if [ "$got" != "$status" ] || [ "$(cat stdout)" != "$out" ] || [ "$(cat stderr)" != "$err" ]; then
    failures=$((failures + 1))
    printf 'FAIL %s\n  status %s, expected %s\n' "$name" "$got" "$status"
    printf '  stdout: %s\n  stderr: %s\n' "$(cat stdout)" "$(cat stderr)"
  else
    echo "ok   $name"
  fi
}
# contains NAME TEXT COMMAND...: succeeds, and its output contains the text.
contains() {
  name=$1 text=$2
  shift 2
  "$@" >stdout 2>&1 </dev/null && grep -qF -- "$text" stdout && { echo "ok   $name"; return; }
  failures=$((failures + 1))
  echo "FAIL $name: '$text' not in: $(cat stdout)"
}
quiet() { "$program" -q "$@"; }
from_pipe() { printf '%s\n' "$1" | "$program" -i; }

cat >args.lua <<'L'
#!/usr/bin/env xairun
print(arg[0], #arg, xai == require "xai", ...)
L
printf 'local x\nerror "deliberate"\n' >fail.lua
printf 'x = = 1\n' >syntax.lua
mkdir folder

check "a script gets its arguments, after the options" 0 "args.lua	2	true	-v	two" "" quiet args.lua -v two
check "a script's error is one line with its place" 1 "" "xairun: fail.lua:2: deliberate" quiet fail.lua
check "so is a syntax error" 1 "" "xairun: syntax.lua:1: unexpected symbol near '='" quiet syntax.lua
check "a long error is cut to one line" 1 "" "xairun: (command line):1: module 'no.such' not found (more with -v)" \
  quiet -e 'require "no.such"'
check "an error object speaks for itself" 1 "" "xairun: I am an object" \
  quiet -e 'error(setmetatable({}, {__tostring = function() return "I am an object" end}))'
check "one that cannot is named by type" 1 "" "xairun: (error object is a table value)" quiet -e 'error {}'
check "control characters do not reach the terminal" 1 "" "xairun: a?[2Jb" quiet -e 'error("a\27[2Jb", 0)'
check "a missing script suggests a neighbour" 1 "" "xairun: arg.lua: no such script or recipe; did you mean 'args.lua'?" \
  quiet arg.lua
check "also in another folder" 1 "" "xairun: $dir/ags.lua: no such script or recipe; did you mean '$dir/args.lua'?" \
  quiet "$dir/ags.lua"
check "nothing near, no suggestion" 1 "" "xairun: entirely/different: no such script or recipe" quiet entirely/different
check "a directory is no script" 1 "" "xairun: folder: a directory, expected a script" quiet folder
check "-e runs in order and before the script" 0 "1
2
args.lua	0	true" "" quiet -e 'print(1)' -e 'print(2)' args.lua
check "-e alone does not read standard input" 0 "x" "" quiet -e 'print "x"'
check "an unknown option suggests the nearest" 1 "" "xairun: unknown option '--threds'; did you mean '--threads'?" \
  "$program" --threds 2
check "os.exit is obeyed" 7 "" "" quiet -e 'os.exit(7)'
check "a binary chunk is refused" 1 "" "xairun: attempt to load a binary chunk (mode is 't')" \
  sh -c '"$1" -q -e "io.open([[binary.luac]], [[wb]]):write(string.dump(function() end)):close()" && "$1" -q binary.luac' - "$program"
check "the seed makes random numbers repeat" 0 "true" "" sh -c '
  a=$("$1" --seed 5 -e "print(math.random(1 << 60))"); b=$("$1" --seed 5 -e "print(math.random(1 << 60))")
  c=$("$1" --seed 6 -e "print(math.random(1 << 60))")
  [ "$a" = "$b" ] && [ "$a" != "$c" ] && echo true' - "$program"
check "standard input runs as a script" 0 "3" "" sh -c 'echo "print(1 + 2)" | "$1"' - "$program"
check "with - it takes arguments" 0 "-	a" "" sh -c 'echo "print(arg[0], ...)" | "$1" - a' - "$program"
check "a path is taken as it is" 0 "../folder/../args.lua	0	true" "" \
  sh -c 'cp args.lua folder/there.lua; mkdir else; cd else; "$1" -q ../folder/../args.lua' - "$program"
check "found below XAIRUN_HOME" 0 "there.lua	0	true" "" \
  env XAIRUN_HOME="$dir/folder" "$program" -q there.lua
check "a full disk is an error" 1 "" "xairun: standard output: No space left on device" \
  sh -c '"$1" -e "io.write([[x]])" >/dev/full' - "$program"
check "-i on a pipe: values, errors, no prompt" 0 "3
{1, a=\"x\"}
6
8	9" "stdin:1: broken" from_pipe '1 + 2
{1, a = "x"}
error "broken"
for i = 6, 6 do
print(i)
end
8, 9
quit
print "not reached"'
check "--version is one line" 0 "xairun 0.1.0" "" "$program" --version
contains "-v alone says versions" "Lua 5.4" "$program" -v
contains "--help shows an example" "xairun gradcam --image" "$program" --help

"$program" -v fail.lua >stdout 2>stderr && failures=$((failures + 1))
grep -q 'stack traceback' stderr || { failures=$((failures + 1)); echo "FAIL -v prints a traceback"; }
[ "$("$program" --help | awk 'length > 80' | wc -l)" -eq 0 ] || { failures=$((failures + 1)); echo "FAIL --help fits 80 columns"; }

# two programs at once, each with as many threads as there are cores: the bits of one that is alone
passes='local net = xai.zoo.resnet18 { weights = "fill", width = 0.25, size = 64 }
xai.seed(1)
local x, last = xai.randn(4, 3, 64, 64), ""
for _ = 1, 20 do
  local now = table.concat(net:forward(x):reshape(-1):totable(), " ")
  assert(last == "" or now == last, "the bits change from pass to pass")
  last = now
end
print(last)'
"$program" -q -e "$passes" >alone || { failures=$((failures + 1)); echo "FAIL one program alone"; }
"$program" -q -e "$passes" >first &
"$program" -q -e "$passes" >second
wait $!
if [ -s alone ] && cmp -s alone first && cmp -s alone second; then
  echo "ok   two programs at once give the bits of one alone"
else
  failures=$((failures + 1))
  echo "FAIL two programs at once give the bits of one alone"
fi

# every embedded recipe is listed with a text, is found by name, and a slip in it is answered with it
for file in "${XAI_SOURCE:-..}"/scripts/*.lua; do
  [ -e "$file" ] || continue
  recipe=$(basename "$file" .lua)
  "$program" --list | grep -q "^$recipe  *[^ ]" || { failures=$((failures + 1)); echo "FAIL --list lacks $recipe"; }
  check "a slip in '$recipe'" 1 "" "xairun: ${recipe}q: no such script or recipe; did you mean '$recipe'?" quiet "${recipe}q"
done
[ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }
