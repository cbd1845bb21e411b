-- tap.lua: the harness of the Lua tests.
--
--   local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
--   test("a sentence that is true", function(t) t.eq(1 + 1, 2) end)
--   done()
--
-- A third function, architectures(), lists the zoo for tests of all of it.
-- A test fails when its function raises, also when native memory is left over: what a test makes it must let go of, so
-- networks are loaded inside of tests. done() takes away what os.tmpname made and ends the process: 0 all good, 1 a failure,
-- 77 everything was skipped.
local core = require "xai.core"

local t, names = {}, {}
local passed, failed, skipped = 0, 0, 0
local SKIP = {}

local function show(v)
  if type(v) ~= "table" or getmetatable(v) then return type(v) == "string" and ("'%s'"):format(v) or tostring(v) end
  local parts = {}
  for key, value in pairs(v) do parts[#parts + 1] = ("%s = %s"):format(key, show(value)) end
  table.sort(parts)
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function same(a, b)
  if a == b then return true end
  if type(a) ~= "table" or type(b) ~= "table" then return false end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

--- Equal; tables by their contents.
function t.eq(got, want, what)
  if not same(got, want) then error(("%sexpected %s, got %s"):format(what and what .. ": " or "", show(want), show(got)), 2) end
end

function t.ok(condition, what)
  if not condition then error(what or "expected true", 2) end
end

local function numbers(v) return core.is_tensor(v) and v:totable() or v end

--- Numbers, or nested tables and tensors of them, at most 'tolerance' apart (default 1e-6).
function t.near(got, want, tolerance, what)
  got, want, tolerance = numbers(got), numbers(want), tolerance or 1e-6
  what = what or "value"
  if type(want) == "table" then
    if type(got) ~= "table" or #got ~= #want then error(("%s: expected %d elements, got %s"):format(what, #want, show(got)), 2) end
    for i = 1, #want do t.near(got[i], want[i], tolerance, what .. "[" .. i .. "]") end
  elseif type(got) ~= "number" or not (math.abs(got - want) <= tolerance) then
    error(("%s: expected %.9g, got %s"):format(what, want, show(got)), 2)
  end
end

--- fn must raise a message that holds 'text'.
function t.fails(fn, text)
  local good, message = pcall(fn)
  if good then error(("expected the error '%s', but nothing was raised"):format(text), 2) end
  if not tostring(message):find(text, 1, true) then error(("expected the error '%s', got '%s'"):format(text, tostring(message)), 2) end
end

function t.skip(reason) error(setmetatable({ reason = reason }, SKIP)) end

local function live()
  collectgarbage()
  collectgarbage()
  return (core.live_bytes())
end

local function test(name, fn)
  if names[name] then error("two tests are called '" .. name .. "'", 2) end
  names[name] = true
  local before = live()
  local good, message = xpcall(fn, function(m) return getmetatable(m) == SKIP and m or debug.traceback(tostring(m), 2) end, t)
  local left = live() - before
  if good and left ~= 0 then good, message = false, ("%d native bytes are left over"):format(left) end
  if good then
    passed = passed + 1
    print("ok - " .. name)
  elseif getmetatable(message) == SKIP then
    skipped = skipped + 1
    print(("ok - %s # SKIP %s"):format(name, message.reason))
  else
    failed = failed + 1
    print(("not ok - %s\n#   %s"):format(name, (tostring(message):gsub("\n", "\n#   "))))
  end
end

-- os.tmpname makes a file that most tests only want the name of.
local given, tmpname = {}, os.tmpname
function os.tmpname()
  given[#given + 1] = tmpname()
  return given[#given]
end

local function done()
  for _, name in ipairs(given) do os.remove(name) end
  print(("# %d passed, %d failed, %d skipped"):format(passed, failed, skipped))
  os.exit(failed > 0 and 1 or passed == 0 and 77 or 0, true)
end

--- The zoo's names in order. Under sanitizers every third: those of one family do the same to memory, five times as slowly.
local function architectures()
  local all, some = require "xai".zoo(), {}
  for i = 1, #all, os.getenv "XAI_SANITIZE" == "ON" and 3 or 1 do some[#some + 1] = all[i] end
  return some
end

return { test, done, architectures }
