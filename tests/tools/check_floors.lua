-- tests/tools/check_floors.lua: who may include what, and who may print, allocate and exit.
-- usage: xairun tests/tools/check_floors.lua [SOURCE_ROOT]   (a stock lua5.4 will do)
-- Prints every breach as file:line and ends with status 1 if there is one.
local root = arg[1] or os.getenv "XAI_SOURCE" or "."

-- A floor may include itself and any of a lower rank; floors of one rank are siblings and do not meet.
local RANK = { base = 0, cluster = 1, tensor = 1, kernels = 2, graph = 3, formats = 4, explain = 4, embed = 4, viz = 4, scenes = 4,
  score = 4, sets = 5, train = 5, bindings = 6, app = 7 }

-- Public headers count as part of the floor that could first have written them.
local PUBLIC = { ["xai/status.h"] = "base", ["xai/tensor.h"] = "tensor", ["xai/image.h"] = "tensor", ["xai/net.h"] = "graph",
  ["xai/explain.h"] = "explain", ["xai/scenes.h"] = "scenes", ["xai/images.h"] = "sets",
  ["xai/train.h"] = "train", ["xai/lua.h"] = "bindings", ["xai.h"] = "bindings" }

-- Library headers and the files that alone may include them, as Lua patterns.
local HEADERS = {
  { "^lua%.h$", "^src/bindings/", "^src/app/", "^include/xai/lua%.h$" },
  { "^lualib%.h$", "^src/bindings/", "^src/app/" },
  { "^lauxlib%.h$", "^src/bindings/", "^src/app/" },
  { "^cblas", "^src/kernels/gemm%.c$", "^src/kernels/threads%.c$" },
  { "stb_", "^src/formats/image_[%w_]*%.c$" },
  { "cairo", "^src/viz/text%.c$", "^src/viz/sheet%.c$" },
  { "ft2build", "^src/scenes/glyphs%.c$" },
  { "cJSON", "^src/formats/" },
  { "^zlib%.h$", "^src/formats/zip%.c$", "^src/formats/image_stb%.c$" },
  { "^mpi%.h$", "^src/cluster/mpi%.c$" },
  { "^dlfcn%.h$", "^src/cluster/cluster%.c$" },
  { "histedit", "^src/app/repl%.c$" },
  { "editline", "^src/app/repl%.c$" },
}

-- Words that stand only in the files named; everywhere else the status and the message say it.
local function words(text)
  local set = {}
  for word in text:gmatch "%S+" do set[word] = true end
  return set
end
local WORDS = {
  { words "printf vprintf puts putchar perror stdout stderr", "^src/app/", why = "only the app prints" },
  { words "exit _exit _Exit quick_exit abort", "^src/app/", why = "only the app ends the process" },
  { words "malloc calloc realloc free strdup strndup aligned_alloc", "^src/base/alloc%.c$", "^src/app/",
    why = "memory comes from base/alloc.h" },
  { words "strcat sprintf vsprintf gets strtok alloca", why = "unbounded or stateful: use base/str.h, snprintf" },
}

local breaches = 0
local function breach(file, line, text)
  breaches = breaches + 1
  print(("%s:%d: %s"):format(file, line, text))
end

local function allowed(file, rule)
  for i = 2, #rule do
    if file:find(rule[i]) then return true end
  end
  return false
end

local function check_include(file, floor, line, header)
  for _, rule in ipairs(HEADERS) do
    if header:find(rule[1]) and not allowed(file, rule) then breach(file, line, header .. " does not belong here") end
  end
  if not floor then return end -- public headers are checked against the library rules only
  local theirs = PUBLIC[header] or header:match "^(%w+)/"
  if not RANK[theirs] or theirs == floor then return end
  if RANK[theirs] == RANK[floor] then
    breach(file, line, ("%s: floor '%s' does not see its sibling '%s'"):format(header, floor, theirs))
  elseif RANK[theirs] > RANK[floor] then
    breach(file, line, ("%s: floor '%s' lies below '%s'"):format(header, floor, theirs))
  end
end

-- The text with comments and the insides of strings blanked; line breaks stay.
local function code_of(text)
  local out, at = {}, 1
  while at <= #text do
    local from = text:find("[/\"']", at)
    if not from then break end
    out[#out + 1] = text:sub(at, from - 1)
    local two, stop = text:sub(from, from + 1), nil
    if two == "/*" then
      stop = select(2, text:find("*/", from + 2, true)) or #text
    elseif two == "//" then
      stop = (text:find("\n", from, true) or #text + 1) - 1
    elseif two:sub(1, 1) == "/" then
      out[#out + 1], stop = "/", from
    else
      local quote = two:sub(1, 1)
      stop = from + 1
      while stop <= #text and text:sub(stop, stop) ~= quote do
        stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
      end
    end
    if stop > from then out[#out + 1] = " " .. text:sub(from, stop):gsub("[^\n]", "") end
    at = stop + 1
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end

local function check_words(file, text)
  local number = 0
  for line in (code_of(text) .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    line = line:gsub("format%s*%(%s*printf", "") -- the attribute, not the function
    for word in line:gmatch "[%a_][%w_]*" do
      for _, rule in ipairs(WORDS) do
        if rule[1][word] and not allowed(file, rule) and not line:find "^%s*#%s*include" then
          breach(file, number, ("'%s': %s"):format(word, rule.why))
        end
      end
    end
  end
end

local function check_file(file)
  local handle = assert(io.open(root .. "/" .. file))
  local text = handle:read "a"
  handle:close()
  local floor = file:match "^src/(%w+)/"
  if file:find "^src/" and not RANK[floor] then breach(file, 1, "no such floor; add it to check_floors.lua") end
  local number = 0
  for line in (text .. "\n"):gmatch "(.-)\n" do
    number = number + 1
    local header = line:match '^%s*#%s*include%s*[<"]([^>"]+)'
    if header then check_include(file, floor, number, header) end
  end
  check_words(file, text)
end

local list = assert(io.popen(("cd '%s' && find src include -name '*.[ch]' | LC_ALL=C sort"):format(root)))
local files = 0
for file in list:lines() do
  files = files + 1
  check_file(file)
end
list:close()
assert(files > 0, "no sources below " .. root)
print(("%d files, %d breaches"):format(files, breaches))
if breaches > 0 then os.exit(1, true) end
