-- lua/xai/repl.lua: what the interactive prompt does with a line: compile it, show values, complete words.
-- The terminal itself is src/app/repl.c. Returns {compile=, show=, complete=}; sets the global 'help'.
local repl = {}

local WIDTH, ENTRIES, TEXT = 76, 16, 40 -- of a shown table: columns, entries, letters per string

if xai and xai.help and help == nil then help = xai.help end

-- ---- compile ------------------------------------------------------------------------------------

-- The lines so far -> a function | "more" | "quit" | nil, message. An expression is tried first, so that its
-- values show; text that ends too early in either reading waits for more.
function repl.compile(text)
  local word = text:match "^%s*(.-)%s*$"
  if word == "quit" or word == "exit" then return "quit" end
  local chunk, as_value = load("return " .. text, "=stdin", "t")
  if chunk then return chunk end
  local as_statement
  chunk, as_statement = load(text, "=stdin", "t")
  if chunk then return chunk end
  if as_value:find "<eof>$" or as_statement:find "<eof>$" then return "more" end
  local near = as_statement:match "near '(.*)'$" -- a statement that fails at once was meant as an expression
  return nil, near and word:sub(1, #near) == near and as_value or as_statement
end

-- ---- show ---------------------------------------------------------------------------------------

local function by_text(a, b) return tostring(a) < tostring(b) end

local function key_text(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return key end
  return "[" .. (type(key) == "string" and ("%q"):format(key) or tostring(key)) .. "]"
end

-- A table without a text of its own.
local function is_plain(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(value) == "table" and not (type(meta) == "table" and (meta.__tostring or meta.__name))
end

local function entry_text(value)
  if type(value) == "string" then
    if #value > TEXT then value = value:sub(1, TEXT) .. "..." end
    return (("%q"):format(value):gsub("\\\n", "\\n"))
  end
  if is_plain(value) then return next(value) == nil and "{}" or "{...}" end
  if math.type(value) == "float" then return ("%.6g"):format(value) end
  return (tostring(value):gsub("\n.*", "..."))
end

-- One level deep and about one line long: {1, 2, a=3, b={...}, ...}
local function table_text(t)
  local parts, length = {}, 0
  local function add(text)
    if length + #text > WIDTH or #parts == ENTRIES then
      parts[#parts + 1] = "..."
      return false
    end
    parts[#parts + 1], length = text, length + #text + 2
    return true
  end
  local count = rawlen(t)
  for i = 1, count do
    if not add(entry_text(rawget(t, i))) then return "{" .. table.concat(parts, ", ") .. "}" end
  end
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= count) then keys[#keys + 1] = key end
  end
  table.sort(keys, by_text)
  for _, key in ipairs(keys) do
    if not add(key_text(key) .. "=" .. entry_text(rawget(t, key))) then break end
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

-- A list of tables (predictions, layers, boxes): a line each. nil for any other table.
local function rows_text(t)
  local rows = {}
  for i = 1, rawlen(t) do
    if not is_plain(t[i]) then return nil end
    if i <= ENTRIES then rows[i] = table_text(t[i]) end
  end
  if #rows < rawlen(t) then rows[#rows + 1] = ("... %d in all"):format(rawlen(t)) end
  return #rows > 0 and table.concat(rows, "\n") or nil
end

local function value_text(value)
  if not is_plain(value) then return tostring(value) end
  return rows_text(value) or table_text(value)
end

-- Prints a command's values with tabs between them; '_' is then the first.
function repl.show(...)
  local texts = {}
  for i = 1, select("#", ...) do texts[i] = value_text((select(i, ...))) end
  if (...) ~= nil then _G._ = (...) end
  print(table.concat(texts, "\t"))
end

-- ---- complete -----------------------------------------------------------------------------------

local KEYWORDS = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
  "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }

-- Whether the text ends inside a quoted string.
local function in_string(text)
  local quote, at = nil, 1
  while at <= #text do
    local c = text:sub(at, at)
    if quote and c == "\\" then at = at + 1
    elseif quote then quote = c ~= quote and quote or nil
    elseif c == '"' or c == "'" then quote = c end
    at = at + 1
  end
  return quote ~= nil
end

-- What a metatable lends: its __index, or the methods that a native type keeps beside its __index function.
local function lender(meta)
  local index = meta and rawget(meta, "__index")
  for i = 1, type(index) == "function" and 4 or 0 do
    local _, value = debug.getupvalue(index, i)
    if type(value) == "table" then return value end
  end
  return index
end

-- Adds the string keys of a value, then those its metatable lends it.
local function collect(value, found)
  for _ = 1, 8 do -- chains of __index may be rings
    if type(value) == "table" then
      for key in next, value do
        if type(key) == "string" and key:find "^[%a_][%w_]*$" then found[key] = true end
      end
    end
    value = lender(debug.getmetatable(value))
    if type(value) ~= "table" then return end
  end
end

-- Every name that may stand after 'path' ("xai.", "net:", "" for globals).
local function names_after(path)
  local found = {}
  if path == "" then
    for _, keyword in ipairs(KEYWORDS) do found[keyword] = true end
  end
  local value = _G
  for name in path:gmatch "[%a_][%w_]*" do value = value[name] end
  if value ~= nil then collect(value, found) end
  return found
end

local function common_prefix(names)
  local first, last = names[1], names[#names] -- sorted: these two differ the earliest
  local n = 0
  while n < #first and first:byte(n + 1) == last:byte(n + 1) do n = n + 1 end
  return first:sub(1, n)
end

local function in_columns(names, width)
  local widest = 0
  for _, name in ipairs(names) do widest = math.max(widest, #name + 2) end
  local columns = math.max(1, width // widest)
  local rows, lines = (#names + columns - 1) // columns, {}
  for row = 1, rows do
    local cells = {}
    for i = row, #names, rows do cells[#cells + 1] = names[i] .. (" "):rep(widest - #names[i]) end
    lines[row] = table.concat(cells):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

-- The text before the cursor -> what to insert, and when that is nothing, a listing of the choices.
-- nil inside a string: file names are the terminal's business.
function repl.complete(text, width)
  if in_string(text) then return nil end
  local path, word = text:match "([%w_.:]-)([%w_]*)$"
  if path ~= "" and not path:find "[.:]$" then return "" end
  local names = {}
  for name in pairs(names_after(path)) do
    if name:sub(1, #word) == word and (word:sub(1, 1) == "_" or name:sub(1, 1) ~= "_") then names[#names + 1] = name end
  end
  if #names == 0 then return "" end
  table.sort(names)
  local rest = common_prefix(names):sub(#word + 1)
  return rest, rest == "" and #names > 1 and in_columns(names, width) or nil
end

return repl
