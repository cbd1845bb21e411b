-- xai.json: values as JSON text, for what lies beside pictures and inside of them. Keys are sorted, so the same value is the
-- same text; a number that JSON has no word for is null. Reading is formats/json.h's.
local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

--- Text that is not UTF-8 keeps its plain characters.
local function quote(text)
  if not utf8.len(text) then text = text:gsub("[\128-\255]", "?") end
  return '"' .. text:gsub('[%c"\\\127]', function(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function number(v)
  if math.type(v) == "integer" then return ("%d"):format(v) end
  if v ~= v or v == math.huge or v == -math.huge then return "null" end
  local short = ("%.7g"):format(v)
  if tonumber(short) == v then return short end
  return (math.abs(v) < 3e38 and string.unpack("f", string.pack("f", v)) == v and "%.9g" or "%.17g"):format(v)
end

local encode

local function object(t, indent)
  local keys, lines = {}, {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  for i, key in ipairs(keys) do lines[i] = indent .. "  " .. quote(key) .. ": " .. encode(t[key], indent .. "  ") end
  return "{\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "}"
end

local function array(t, indent)
  local items, flat = {}, true
  for i, item in ipairs(t) do
    items[i] = encode(item, indent .. "  ")
    flat = flat and type(item) ~= "table"
  end
  if flat then return "[" .. table.concat(items, ", ") .. "]" end
  return "[\n" .. indent .. "  " .. table.concat(items, ",\n" .. indent .. "  ") .. "\n" .. indent .. "]"
end

--- A table with a first element (or nothing in it) is an array, another an object; what is no data is its tostring.
function encode(value, indent)
  indent = indent or ""
  local kind = type(value)
  if value == nil then return "null" end
  if kind == "boolean" then return tostring(value) end
  if kind == "number" then return number(value) end
  if kind ~= "table" then return quote(tostring(value)) end
  return (value[1] ~= nil or next(value) == nil) and array(value, indent) or object(value, indent)
end

return encode
