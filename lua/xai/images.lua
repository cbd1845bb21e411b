-- xai.images: many pictures with their labels, one after the other: a folder, a list, scenes.
--
--   local set = xai.images "photos"                          -- photos/cat/1.jpg, photos/dog/2.png: a folder per class
--   local set = xai.images "list.csv"                        -- a line "path,label" each; paths from the folder of the list
--   local set = xai.images { "a.png", { "b.png", label = "dog" } }
--   local set = xai.images(xai.scenes { count = 2000 })
--
--   for i, img, label, path in set:each() do ... end
--   for x, labels, at in set:batches(net, { batch = 32 }) do ... end     -- inputs of a network
--
-- Threads decode ahead of the loop (src/sets/reader.c), a bounded number of pictures; the order is the same for any number of
-- them: of a folder that of the names' bytes, of a list its own. A file that cannot be read is reported, left out, and listed
-- in set.skipped. Labels are class ids, counted from 0; set.classes are their names, in the order of their bytes unless the
-- option 'classes' says otherwise. Labels that are all whole numbers are ids themselves.
local core = require "xai.core"
local check = require "xai.check"
local say = require "xai.say"

local function fail(text, ...) core.fail(("images: " .. text):format(...)) end

-- ---- what there is ---------------------------------------------------------------------------------------------------

local PICTURES = { png = true, jpg = true, jpeg = true, bmp = true, gif = true, webp = true, tif = true, tiff = true }
local DEEPEST = 32 -- folders within folders

--- By its name; GIF and the like cannot be read, and should be told about rather than passed over.
local function is_picture(name)
  local ending = name:match "%.(%w+)$"
  return ending ~= nil and PICTURES[ending:lower()] == true
end

--- Adds the pictures below a folder, and what each is called from the root of the set.
local function walk(list, root, inside, label, depth)
  if depth > DEEPEST then fail("%s/%s: folders within folders, more than %d deep", root, inside, DEEPEST) end
  for _, entry in ipairs(core.folder(inside == "" and root or root .. "/" .. inside)) do
    local name = inside == "" and entry.name or inside .. "/" .. entry.name
    if entry.folder then walk(list, root, name, label or entry.name, depth + 1)
    elseif is_picture(name) then list[#list + 1] = { path = root .. "/" .. name, name = name, label = label } end
  end
end

--- What stands in the quotes at the start of a line, in which two are one, and what comes after them.
local function quoted(line)
  local at = 2
  while true do
    local close = line:find('"', at, true)
    if not close then return nil end
    if line:sub(close + 1, close + 1) ~= '"' then return (line:sub(2, close - 1):gsub('""', '"')), line:sub(close + 1) end
    at = close + 2
  end
end

--- The fields of a line: path,label or "a path, with a comma",label
local function fields(line)
  local path, rest = nil, nil
  if line:sub(1, 1) == '"' then path, rest = quoted(line) end
  if path then return path, rest:match "^%s*,%s*(.-)%s*$" end
  local name, label = line:match "^%s*(.-)%s*,%s*(.-)%s*$"
  return name or line:match "^%s*(.-)%s*$", label
end

local function unquoted(label) return label and label:match '^"(.*)"$' or label end

local function from_list_file(path)
  local list, folder = {}, path:match "^.*/" or ""
  for i, line in ipairs(core.read_labels(path)) do
    local name, label = fields(line)
    local heading = i == 1 and (name == "path" or name == "file" or name == "filename" or name == "image")
    label = unquoted(label)
    if name ~= "" and not heading then
      local where = name:sub(1, 1) == "/" and name or folder .. name
      list[#list + 1] = { path = where, name = name, label = label ~= "" and label or nil }
    end
  end
  return list
end

local function from_table(given)
  local list = {}
  for i, entry in ipairs(given) do
    if type(entry) == "string" then list[i] = { path = entry, name = entry }
    elseif core.is_image(entry) then list[i] = { image = entry }
    elseif type(entry) == "table" then
      local path, image, label = entry.path or entry[1], entry.image, entry.class or entry.label
      if label == nil and entry.objects and entry.objects[1] then label = entry.objects[1].class end
      if core.is_image(image) then list[i] = { image = image, label = label }
      elseif type(path) == "string" then list[i] = { path = path, name = path, label = label } end
    end
    if not list[i] then fail("entry %d: expected a path, a picture, or { path, label = }, got a %s", i, type(entry)) end
    if (list[i].image ~= nil) ~= (list[1].image ~= nil) then fail("entry %d: files and pictures do not mix in one set", i) end
  end
  return list
end

local function listed(what)
  if type(what) == "table" then return from_table(what) end
  if is_picture(what) and core.exists(what) then return { { path = what, name = what } } end
  if core.file_size(what) and core.exists(what) then return from_list_file(what) end
  local list = {}
  walk(list, (what:gsub("(.)/+$", "%1")), "", nil, 0)
  if #list == 0 then fail("%s: there is no picture in this folder", what) end
  return list
end

--- The different labels of a list, as texts, and whether all are whole numbers.
local function texts_of(list)
  local names, seen, numbers = {}, {}, true
  for _, entry in ipairs(list) do
    local label = entry.label
    if label ~= nil and type(label) ~= "string" and math.type(label) ~= "integer" then
      fail("label: expected a text or a whole number, got %s", tostring(label))
    end
    local text = label ~= nil and tostring(label)
    if text and not seen[text] then
      names[#names + 1], seen[text] = text, true
      numbers = numbers and text:find "^%d%d?%d?%d?%d?%d?%d?%d?%d?$" ~= nil
    end
  end
  return names, numbers
end

--- Class ids for the labels of a list, false where there is none, and the names of the classes; nil when no entry has a label.
local function numbered(list, classes)
  local names, numbers = texts_of(list)
  if #names == 0 then return nil, classes end
  if not numbers and not classes then
    table.sort(names)
    classes = names
  end
  local id_of, labels = {}, {}
  for i, name in ipairs(classes or {}) do id_of[name] = i - 1 end
  for i, entry in ipairs(list) do
    local text = entry.label ~= nil and tostring(entry.label)
    local id = text and (id_of[text] or numbers and math.tointeger(tonumber(text)))
    if text and not (id and id < (classes and #classes or math.huge)) then
      local near = core.nearest(text, classes)
      fail("%s: label '%s' is none of the %d classes%s", entry.path or "picture " .. i, text, #classes,
        near and ("; did you mean '%s'?"):format(near) or "")
    end
    labels[i] = id
  end
  return labels, classes
end

-- ---- the set ---------------------------------------------------------------------------------------------------------

local Images = {}
local OPTIONS = { "classes", "threads", "ahead" }

local function of_scenes(scenes)
  return { source = core.source_scenes(scenes), scenes = scenes, classes = scenes.classes, count = #scenes }
end

local function of_list(what, classes)
  local list = listed(what)
  if #list == 0 then fail "there is no picture in this list" end
  local self = { list = list, count = #list }
  self.labels, self.classes = numbered(list, classes)
  local items = {}
  for i, entry in ipairs(list) do items[i] = entry.image or entry.path end
  self.source = (list[1].image and core.source_pictures or core.source_files)(items, self.labels)
  return self
end

local function images(what, options)
  if getmetatable(what) == Images then return what end
  options = check.options("images", options, OPTIONS)
  check.kind("images", "classes", options.classes, "table")
  if type(what) ~= "string" and type(what) ~= "table" and type(what) ~= "userdata" then
    fail("expected a folder, a list or scenes, got a %s", type(what))
  end
  local self = type(what) == "userdata" and of_scenes(what) or of_list(what, options.classes)
  self.threads, self.ahead, self.skipped = options.threads, options.ahead, {}
  return setmetatable(self, Images)
end

function Images:__len() return self.count end

function Images:__tostring()
  return ("%d pictures%s"):format(self.count, self.classes and (" of %d classes"):format(#self.classes) or "")
end

--- set[i]: { image =, label =, class =, path = }; of scenes, the scene. nil beyond #set.
function Images:__index(key)
  if math.type(key) ~= "integer" then return Images[key] end
  if key < 1 or key > self.count then return nil end
  if self.scenes then return self.scenes[key] end
  local entry, label = self.list[key], self.labels and self.labels[key] or nil
  return { image = entry.image or core.read_image(entry.path), label = label, class = self:class(label), path = entry.path }
end

--- The name of a class id; nil when there is none.
function Images:class(label) return label and self.classes and self.classes[label + 1] or nil end

--- The file of picture i, from the folder of the set.
function Images:name(i) return self.list and self.list[i].name or nil end

--- Sixteen digits that tell this set from others: of files by names, sizes and labels, of scenes by all that makes them.
function Images:hash()
  local h = self.source:hash()
  for i, entry in ipairs(self.list or {}) do
    local size = entry.path and core.file_size(entry.path) or 0
    h = core.hash(("%s\0%s\0%s\0"):format(entry.name or "", size, self.labels and self.labels[i]), h)
  end
  return ("%016x"):format(core.hash(table.concat(self.classes or {}, "\0"), h))
end

-- ---- passes ------------------------------------------------------------------------------------------------------------

local TOLD = 5 -- unreadable files that are named

--- Files that cannot be read are told and counted.
local function skip(self, i, why)
  self.skipped[#self.skipped + 1] = { index = i, path = self.list and self.list[i].path, why = why }
  if #self.skipped <= TOLD then say.note("images: skipped: " .. why) end
end

local function account(self)
  local n = #self.skipped
  if n > TOLD then say.note(("images: %d of %d pictures could not be read and were skipped"):format(n, self.count)) end
end

local function told_alpha(alpha)
  if alpha then say.once "image: transparent pixels were composited on white" end
end

local function reader(self, net, options, ranges)
  self.skipped = {}
  return core.reader(self.source, ranges or { 1, self.count }, net, options.threads or self.threads, options.ahead or self.ahead)
end

--- for i, img, label, path in set:each { threads =, ahead = } do: all pictures in order.
function Images:each(options)
  local r = reader(self, nil, check.options("images:each", options, { "threads", "ahead" }))
  local function step()
    while true do
      local i, img, label, why, alpha = r:next()
      if not i then return account(self) end
      if img then
        told_alpha(alpha)
        return i, img, label, self.list and self.list[i].path or nil
      end
      skip(self, i, why)
    end
  end
  return step, nil, nil, r
end

--- A reader of inputs over ranges { first, last, ... } of the set, for passes that cut batches themselves: r:batch(n) takes
--- n pictures, fewer where the shape changes, and gives x or nil, positions, labels (false: none), and how many it has taken;
--- 0 after the last.
function Images:inputs(net, options, ranges)
  local r = reader(self, net, options, ranges)
  local inputs = setmetatable({}, { __close = function() r:free() end })
  function inputs.batch(_, n)
    local x, at, labels, failed, alpha = r:batch(n)
    told_alpha(alpha)
    for _, f in ipairs(failed) do skip(self, f[1], f[2]) end
    return x, at, labels, #at + #failed, failed
  end
  return inputs
end

local function ids(labels)
  local list = {}
  for i, label in ipairs(labels) do list[i] = label or -1 end
  return core.tensor(list, "int64")
end

--- for x, labels, at in set:batches(net, { batch = 32, threads =, ahead = }) do: inputs N x C x H x W, class ids (-1: not known)
--- and positions in the set.
function Images:batches(net, options)
  options = check.options("images:batches", options, { "batch", "threads", "ahead" })
  local inputs, n = self:inputs(net, options), options.batch or 32
  local function step()
    while true do
      local x, at, labels, taken = inputs:batch(n)
      if taken == 0 then return account(self) end
      if x then return x, ids(labels), at end
    end
  end
  return step, nil, nil, inputs
end

--- Pictures first .. first + n - 1 as inputs, and their labels: what xai.train and xai.score.accuracy take. All must be readable.
function Images:batch(first, n, net)
  if math.type(first) ~= "integer" or math.type(n) ~= "integer" or first < 1 or n < 1 or first + n - 1 > self.count then
    fail("batch: expected positions in 1 to %d, got %s and %s of them", self.count, tostring(first), tostring(n))
  end
  local r <close> = core.reader(self.source, { first, first + n - 1 }, net, self.threads, self.ahead)
  local x, at, labels, failed = r:batch(n)
  if #failed > 0 then fail("%s", failed[1][2]) end
  if #at < n then fail "the pictures of a batch have different sizes, and the network's input has none of its own" end
  return x, ids(labels)
end

Images.account = account

return images
