-- xai.store: a folder in which a long pass over many pictures keeps what it has found, part by part.
--
--   manifest.json             what was asked of which network about which pictures: written first, never changed
--   part-000001.safetensors   what was found in the first 'part' pictures, and so on; each is written whole or not at all
--   features.safetensors      all parts, one below the other; the parts go when it is there
--
-- A pass that is killed loses the part it is at. The next one does what is missing, and ends with the same bytes as one that
-- never was interrupted, for a part does not depend on the others. A manifest that asks for something else is refused.
local core = require "xai.core"
local cluster = require "xai.cluster"
local json = require "xai.json"

local Store = {}
Store.__index = Store

local function fail(text, ...) core.fail(("features: " .. text):format(...)) end

--- The fields of a manifest, each as it stands there: one to a line, as xai.json writes a flat object. nil: it is none.
local function fields(text)
  local found
  for key, value in text:gmatch '\n  "([%w_]+)": ([^\n]-),?%f[\n]' do
    found = found or {}
    found[key] = value
  end
  return found
end

--- What people call the fields, in the order in which differences are told.
local NAMES = { { "format", "format" }, { "network", "network" }, { "preprocess", "preprocessing" }, { "layer", "layer" },
  { "pool", "pool" }, { "count", "number of pictures" }, { "images", "set of pictures" }, { "part", "pictures to a part" },
  { "batch", "pictures to a pass" } }

local function differences(there, here)
  local list = {}
  for _, name in ipairs(NAMES) do
    local a, b = there[name[1]], here[name[1]]
    if a ~= b and not (name[1] == "images" and there.count ~= here.count) then
      list[#list + 1] = ("%s (%s there, %s here)"):format(name[2], a or "none", b)
    end
  end
  return table.concat(list, ", ")
end

local function read_all(path)
  local handle = core.exists(path) and io.open(path, "rb")
  if not handle then return nil end
  local text = handle:read "a"
  handle:close()
  return text
end

--- Opens or begins the store at 'path' for what 'asked' says (a flat table). What it does not say of part and batch, on both of
--- which the last bits depend, is as the store has it, or as 'usual' says.
function Store.open(path, asked, usual)
  local manifest = path .. "/manifest.json"
  local there = read_all(manifest)
  local known = there and fields(there)
  if there and not known then fail("%s: this is not the manifest of a store", manifest) end
  asked.program, asked.format = "xairun features", 1
  for key, value in pairs(usual) do asked[key] = asked[key] or known and math.tointeger(tonumber(known[key])) or value end
  local text = json(asked) .. "\n"
  local differ = known and differences(known, fields(text)) or ""
  if differ ~= "" then fail("the store %s was made with another %s", path, differ) end
  cluster.wait() -- nobody writes before everybody has looked
  if not there then
    if core.file_size(path .. "/features.safetensors") then fail("%s: there are features here, but no manifest.json", path) end
    if cluster.rank == 0 then
      core.make_dir(path)
      core.write_text(manifest, text)
    end
    cluster.wait()
  end
  return setmetatable({ path = path, part = asked.part, batch = asked.batch, count = asked.count,
    parts = -(-asked.count // asked.part), mark = ("%016x"):format(core.hash(text)) }, Store)
end

function Store:part_path(k) return ("%s/part-%06d.safetensors"):format(self.path, k) end
function Store:whole_path() return self.path .. "/features.safetensors" end

--- The tensors and the metadata of a file of this store; nil when it is not there, or not of this store.
function Store:read(path)
  if not core.exists(path) then return nil end
  local good, tensors, meta = pcall(core.read, path)
  if not good and tostring(tensors):find "out of memory" then error(tensors, 0) end -- which says nothing of the file
  if good and meta.store == self.mark then return tensors, meta end
end

function Store:complete() return self:read(self:whole_path()) ~= nil end

--- Numbers of the parts that are not there yet.
function Store:missing()
  local list = {}
  if self:complete() then return list end
  for k = 1, self.parts do
    if not self:read(self:part_path(k)) then list[#list + 1] = k end
  end
  return list
end

--- First and last picture of a part.
function Store:range(k) return (k - 1) * self.part + 1, math.min(k * self.part, self.count) end

--- tensors: { { name, tensor }, ... }
function Store:put(k, tensors)
  core.write(self:part_path(k), tensors, { { "store", self.mark } })
end

--- Parts, and what writers that were killed had begun (base/file.c calls it name.process-number~).
local function scaffold(name)
  local ours = name:find "^part%-%d+%.safetensors" or name:find "^features%.safetensors" or name:find "^manifest%.json"
  return ours and (name:find "^part%-%d+%.safetensors$" or name:find "%.%d+%-%d+~$")
end

--- All parts as one file, with texts about them { key, text, ... }; then the parts go. Every rank calls it.
function Store:finish(about)
  cluster.wait()
  if cluster.rank == 0 then
    if not self:complete() then
      local parts, meta = {}, { "store", self.mark }
      for k = 1, self.parts do parts[k] = self:part_path(k) end
      table.move(about, 1, #about, 3, meta)
      core.join_files(self:whole_path(), parts, meta)
    end
    for _, entry in ipairs(core.folder(self.path)) do
      if scaffold(entry.name) then core.remove(self.path .. "/" .. entry.name) end
    end
  end
  cluster.wait()
  return core.read(self:whole_path())
end

return Store
