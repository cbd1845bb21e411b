-- xai.check: option tables of the functions that are written in Lua.
local core = require "xai.core"

local check = {}

--- Refuses what is no table, and keys that are not in 'names'; an absent table is an empty one.
function check.options(name, options, names)
  if options == nil then return {} end
  if type(options) ~= "table" then core.fail(name .. ": options: expected a table, got " .. type(options)) end
  local known = {}
  for _, key in ipairs(names) do known[key] = true end
  for key in pairs(options) do
    if not known[key] then
      local near = core.nearest(tostring(key), names)
      core.fail(("%s: unknown option '%s' (options: %s)%s"):format(name, key, table.concat(names, ", "),
        near and ("; did you mean '%s'?"):format(near) or ""))
    end
  end
  return options
end

--- Refuses a value whose type is not 'kind' ("number", ...); nil passes.
function check.kind(name, key, value, kind)
  if value ~= nil and type(value) ~= kind then
    core.fail(("%s: %s: expected a %s, got a %s"):format(name, key, kind, type(value)))
  end
  return value
end

--- Refuses what is no whole number from 1; nil passes.
function check.count(name, key, value)
  if value ~= nil and not (math.type(value) == "integer" and value >= 1) then
    core.fail(("%s: %s: expected a whole number from 1, got %s"):format(name, key, tostring(value)))
  end
  return value
end

return check
