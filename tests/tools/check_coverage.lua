-- tests/tools/check_coverage.lua: nothing without a test. For every method of src/explain/methods.def its C file,
-- its recipe and a Lua test; for every other C file of src/ a C test of the same name, or a line in ELSEWHERE.
-- usage: xairun tests/tools/check_coverage.lua [SOURCE_ROOT]
local root = arg[1] or os.getenv "XAI_SOURCE" or "."

-- Source file -> the test that covers it instead. Say why when it is not plain.
local ELSEWHERE = {
  ["src/app/main.c"] = "tests/sh/test_cli.sh",           -- a whole program: judged by what it prints and returns
  ["src/app/recipe.c"] = "tests/sh/test_cli.sh",
  ["src/app/report.c"] = "tests/sh/test_cli.sh",
}

-- Floors whose contract is their Lua side: tests/lua covers them.
local BY_LUA = { bindings = true }

local missing = 0
local function miss(...)
  missing = missing + 1
  print(string.format(...))
end

local function read(path)
  local handle = io.open(root .. "/" .. path)
  if not handle then return nil end
  local text = handle:read "a"
  handle:close()
  return text
end

local function find(arguments)
  local paths = {}
  local list = assert(io.popen(("cd '%s' && find %s 2>/dev/null | LC_ALL=C sort"):format(root, arguments)))
  for path in list:lines() do paths[#paths + 1] = path end
  list:close()
  return paths
end

-- ---- methods
local lua_tests = {}
for _, path in ipairs(find "tests/lua -name '*_*.lua'") do lua_tests[path] = read(path) end

local function has_lua_test(method)
  for path, text in pairs(lua_tests) do
    if path:find(method, 1, true) or text:find("xai%." .. method .. "%f[^%w_]") then return true end
  end
  return false
end

local methods = {}
for method in (read "src/explain/methods.def" or ""):gmatch "XAI_METHOD%(([%w_]+)%)" do
  if methods[method] then miss("methods.def: '%s' stands there twice", method) end
  methods[method] = true
  if not read("src/explain/" .. method .. ".c") then miss("method '%s': no src/explain/%s.c", method, method) end
  if not read("scripts/" .. method .. ".lua") then miss("method '%s': no recipe scripts/%s.lua", method, method) end
  if not has_lua_test(method) then miss("method '%s': no file of tests/lua has it in its name or calls xai.%s", method, method) end
end

-- ---- C files
local files = 0
for _, path in ipairs(find "src -name '*.c'") do
  files = files + 1
  local floor, name = path:match "^src/(%w+)/(.+)%.c$"
  local test = ("tests/c/%s/test_%s.c"):format(floor, name)
  local instead = ELSEWHERE[path]
  if instead and not read(instead) then miss("%s: ELSEWHERE names %s, which does not exist", path, instead) end
  if instead and read(test) then miss("%s: has %s; take it out of ELSEWHERE", path, test) end
  local is_method = floor == "explain" and methods[name]
  if not (instead or BY_LUA[floor] or is_method or read(test)) then miss("%s: no %s", path, test) end
end
for path in pairs(ELSEWHERE) do
  if not read(path) then miss("ELSEWHERE: %s does not exist", path) end
end

assert(files > 0, "no sources below " .. root)
print(("%d C files, %d gaps"):format(files, missing))
if missing > 0 then os.exit(1, true) end
