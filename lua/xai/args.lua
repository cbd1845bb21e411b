-- xai.args: a script's arguments, declared once.
--
--   local args = xai.args { "Where does the network look?", "image",
--     image = { nil, "the picture to explain", required = true },
--     steps = { 50, "number of steps" },
--     class = { nil, "class id or label; the most probable one if absent" } }
--
-- gives --image FILE, --steps=50, --class ..., and --help. Names after the description are those that arguments
-- without a name fill, in order. The default tells the type: boolean (--name, --no-name), integer, number, string;
-- nil: a number or a string.
local core = require "xai.core"
local exit, print = os and os.exit, print

local function complain(text, ...) core.fail("args: " .. text:format(...)) end

--- The declaration as { text=, order={names}, positional={names}, default={}, help={} }.
local function read_spec(spec)
  if type(spec) ~= "table" then complain("expected a table, got a %s", type(spec)) end
  local d = { text = "", order = {}, positional = {}, default = {}, help = {}, required = {} }
  for key, entry in pairs(spec) do
    if type(key) == "string" then
      if type(entry) ~= "table" then complain("%s: expected { default, help }, got a %s", key, type(entry)) end
      d.order[#d.order + 1], d.default[key], d.help[key] = key, entry[1], entry[2] or ""
      d.required[key] = entry.required
    end
  end
  table.sort(d.order)
  for i, text in ipairs(spec) do
    if type(text) ~= "string" then complain("expected a description and names of arguments, got a %s", type(text)) end
    if i == 1 and d.help[text] == nil then d.text = text
    elseif d.help[text] then d.positional[#d.positional + 1] = text
    else complain("'%s' is not declared", text) end
  end
  return d
end

local function usage(d)
  local script = arg and arg[0] or "script.lua"
  local lines = { "usage: xairun " .. script .. " [options]" }
  for _, name in ipairs(d.positional) do lines[1] = lines[1] .. " [" .. name:upper() .. "]" end
  if d.text ~= "" then lines[#lines + 1] = d.text end
  local width = #"help"
  for _, name in ipairs(d.order) do width = math.max(width, #name) end
  for _, name in ipairs(d.order) do
    local default = d.default[name] ~= nil and (" (default: %s)"):format(d.default[name]) or ""
    if d.required[name] then default = " (required)" end
    lines[#lines + 1] = ("  --%-" .. width .. "s  %s%s"):format(name, d.help[name], default)
  end
  lines[#lines + 1] = ("  --%-" .. width .. "s  this text"):format("help")
  return table.concat(lines, "\n")
end

local truth = { ["true"] = true, yes = true, on = true, ["false"] = false, no = false, off = false }

--- Text from the command line as a value of the default's type.
local function convert(name, text, default)
  local number = math.tointeger(tonumber(text)) or tonumber(text)
  local kind = math.type(default) or type(default)
  if kind == "boolean" then
    if truth[text] == nil then complain("--%s: expected true or false, got '%s'", name, text) end
    return truth[text]
  elseif kind == "integer" then
    if math.type(number) ~= "integer" then complain("--%s: expected a whole number, got '%s'", name, text) end
    return number
  elseif kind == "float" then
    if not number then complain("--%s: expected a number, got '%s'", name, text) end
    return number + 0.0
  elseif kind == "nil" then
    return number or text
  end
  return text
end

local function unknown(d, name)
  local near = core.nearest(name, d.order)
  complain("unknown argument '--%s' (arguments: --%s)%s", name, table.concat(d.order, ", --"),
    near and ("; did you mean '--%s'?"):format(near) or "")
end

--- One "--name", "--name=value" or "--name value" at position i; the position of the next.
local function named(d, given, i, values)
  local name, text = given[i]:match "^%-%-([^=]+)=?(.*)$"
  local has_value = given[i]:find("=", 1, true)
  local positive = name:match "^no%-(.+)$"
  if d.help[name] == nil and positive and type(d.default[positive]) == "boolean" and not has_value then
    values[positive] = false
  elseif d.help[name] == nil then
    unknown(d, name)
  elseif has_value then
    values[name] = convert(name, text, d.default[name])
  elseif type(d.default[name]) == "boolean" then
    values[name] = true
  else
    i = i + 1
    if given[i] == nil then complain("--%s: a value is missing", name) end
    values[name] = convert(name, given[i], d.default[name])
  end
  return i + 1
end

---@param spec table
---@param given? string[] the arguments; default: the global 'arg'
return function(spec, given)
  local d, values, taken, i = read_spec(spec), {}, 0, 1
  given = given or arg or {}
  for name, default in pairs(d.default) do values[name] = default end
  while given[i] do
    if given[i] == "--help" or given[i] == "-h" then
      print(usage(d))
      exit(0, true)
    elseif given[i]:find "^%-%-." then
      i = named(d, given, i, values)
    else
      taken = taken + 1
      local name = d.positional[taken]
      if not name then complain("unexpected argument '%s'", given[i]) end
      values[name] = convert(name, given[i], d.default[name])
      i = i + 1
    end
  end
  for _, name in ipairs(d.order) do
    if d.required[name] and values[name] == nil then
      complain("--%s is missing: %s (see --help)", name, d.help[name])
    end
  end
  return values
end
