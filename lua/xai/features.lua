-- xai.features: what a layer makes of many pictures: a row of numbers for each.
--
--   local f = xai.features(net, "photos", "fc7", { store = "photos.fc7" })
--   xai.sheet { { scatter = xai.pca(f.values).values, classes = f.names } }:save "map.png"
--
-- Without a layer it is the one before the classifier. Height and width of a layer are averaged; pool = "max" or "none" takes
-- the maximum, or all places. With a store (xai.store) the pass may end at any moment, and the same call goes on from there;
-- f.values is then the mapped file, and memory does not grow with the number of pictures.
--   f.values   n x d, a row per picture that could be read     f.index    which of the set they are
--   f.labels   class ids, -1: not known                        f.names    their classes' names, one per row, or nil
--   f.paths    files, or nil                                   f.skipped  { { index =, why = }, ... }
--   f.seconds  { total =, network =, pictures =, writing = }   f:image(row)   the picture of a row
local core = require "xai.core"
local batch_of = require "xai.batch"
local check = require "xai.check"
local cluster = require "xai.cluster"
local images = require "xai.images"
local json = require "xai.json"
local say = require "xai.say"
local Store = require "xai.store"

local function fail(text, ...) core.fail(("features: " .. text):format(...)) end

local OPTIONS = { "store", "pool", "batch", "part", "threads", "ahead" }
local POOLS = { mean = true, max = true, none = true }
local PART, BATCH = 256, 16

local function settings(options)
  options = check.options("features", options, OPTIONS)
  for key, most in pairs { batch = 4096, part = 1 << 20 } do
    local v = options[key]
    if v ~= nil and (math.type(v) ~= "integer" or v < 1 or v > most) then
      fail("%s: expected a whole number from 1 to %d, got %s", key, most, tostring(v))
    end
  end
  check.kind("features", "store", options.store, "string")
  local pool = options.pool or "mean"
  if not POOLS[pool] then fail("pool: expected mean, max or none, got '%s'", tostring(pool)) end
  return options, pool
end

-- ---- the pass ----------------------------------------------------------------------------------------------------------

--- A clock for what takes the time: timed(name, fn, ...) gives what fn gives.
local function stopwatch()
  local seconds = { total = 0, network = 0, pictures = 0, writing = 0 }
  local start = core.clock()
  local function stop(name, began, ...)
    seconds[name] = seconds[name] + core.clock() - began
    seconds.total = core.clock() - start
    return ...
  end
  return seconds, function(name, fn, ...) return stop(name, core.clock(), fn(...)) end
end

--- The rows of a batch; what it was made of is let go at once.
local function rows_of(net, x, layer, pool)
  local activation <close> = net:forward(x, layer)
  x:free()
  return core.pool_rows(activation, pool)
end

--- What a part of n pictures is: tensors of one row per picture, paths and what could not be read as bytes.
local function part_of(set, rows, at, labels, failed)
  local names, lines = {}, {}
  for i, position in ipairs(at) do names[i] = (set:name(position) or "") .. "\0" end
  for i, f in ipairs(failed) do lines[i] = ("%d\t%s\n"):format(f[1], f[2]) end
  local function bytes(list)
    local text = table.concat(list)
    return core.tensor_of(text, "uint8", { #text })
  end
  local function numbers(list) return #list > 0 and core.tensor(list, "int64") or core.tensor_of("", "int64", { 0 }) end
  return { features = #rows > 0 and core.join_rows(rows) or core.tensor_of("", "float32", { 0, 0 }),
    index = numbers(at), labels = numbers(labels), names = bytes(names), skipped = bytes(lines) }
end

local FIELDS = { "features", "index", "labels", "names", "skipped" }

--- Goes through the parts and gives each to sink(k, part).
local function extract(job, parts, sink)
  local ranges, done = {}, 0
  if #parts == 0 then return end
  for i, k in ipairs(parts) do ranges[2 * i - 1], ranges[2 * i] = job.range(k) end
  local waiting = job.options.ahead or 3 * job.batch -- while the network is at one batch, the next ones are made
  local inputs <close> = job.set:inputs(job.net, { threads = job.options.threads, ahead = waiting }, ranges)
  for i, k in ipairs(parts) do
    local first, last = ranges[2 * i - 1], ranges[2 * i]
    local rows, at, labels, failed, left = {}, {}, {}, {}, last - first + 1
    while left > 0 do
      local x, positions, ids, taken, bad = job.timed("pictures", inputs.batch, inputs, math.min(left, job.batch))
      if x then rows[#rows + 1] = job.timed("network", rows_of, job.net, x, job.layer, job.pool) end
      for n, position in ipairs(positions) do at[#at + 1], labels[#labels + 1] = position, ids[n] or -1 end
      table.move(bad, 1, #bad, #failed + 1, failed)
      left, done = left - taken, done + taken
      job.tell(done)
    end
    job.timed("writing", sink, k, part_of(job.set, rows, at, labels, failed))
    for _, t in ipairs(rows) do t:free() end
  end
end

-- ---- what comes of it --------------------------------------------------------------------------------------------------

local Features = {}
Features.__index = Features

--- The picture of a row.
function Features:image(row)
  if not self.set then fail "image: the features were read from a store, without their pictures" end
  local item = self.set[math.tointeger(self.index[row])]
  return item and item.image
end

function Features:__tostring()
  local shape = self.values:shape()
  return ("features %dx%d of layer %s"):format(shape[1], shape[2], self.layer)
end

local function split(tensor, pattern)
  local list = {}
  for text in core.bytes_of(tensor):gmatch(pattern) do list[#list + 1] = text end
  return list
end

--- The result from the tensors of a whole and what is known besides.
local function result(tensors, about)
  local self = about
  self.values, self.index, self.labels = tensors.features, tensors.index, tensors.labels
  local paths = split(tensors.names, "([^\0]*)\0")
  self.paths = paths[1] and paths[1] ~= "" and paths or nil
  self.skipped = {}
  for i, line in ipairs(split(tensors.skipped, "([^\n]*)\n")) do
    local index, why = line:match "^(%d+)\t(.*)$"
    self.skipped[i] = { index = math.tointeger(tonumber(index)), why = why }
  end
  if self.classes then
    self.names = {}
    for i, id in ipairs(self.labels:totable()) do self.names[i] = self.classes[id + 1] or "?" end
  end
  return setmetatable(self, Features)
end

local function texts(about)
  return { "program", "xairun " .. core.version, "layer", about.layer, "pool", about.pool, "network", about.network,
    "classes", table.concat(about.classes or {}, "\n") }
end

local function report(about, done, n)
  local s = about.seconds
  if done == 0 or s.total <= 0 then return end
  local function share(name) return 100 * s[name] / s.total end
  say.note(("features: %d pictures of %d in %.3g s, %.3g per second; the network took %.0f %% of the time, waiting for pictures"
    .. " %.1f %%, writing %.1f %%"):format(done, n, s.total, done / s.total, share "network", share "pictures", share "writing"))
end

--- A preset's name, or the numbers, on one line.
local function text_of(preprocess) return type(preprocess) == "string" and preprocess or (json(preprocess):gsub("%s+", " ")) end

--- Into the store, part by part.
local function through_store(job, about)
  local n = #job.set
  local store = Store.open(job.options.store, { network = about.network, preprocess = text_of(job.net.preprocess),
    layer = about.layer, pool = about.pool, images = job.set:hash(), count = n, part = job.options.part, batch = job.options.batch },
    { part = PART, batch = job.batch })
  job.batch = store.batch
  local missing, mine, todo = store:missing(), {}, 0
  cluster.wait() -- what is missing is the same for everybody
  for i, k in ipairs(missing) do
    if cluster.mine(i) then mine[#mine + 1] = k end
  end
  local function range(k) return store:range(k) end
  for _, k in ipairs(mine) do
    local first, last = range(k)
    todo = todo + last - first + 1
  end
  if #missing == 0 then say.note("features: taken from " .. store.path)
  elseif #missing < store.parts then
    say.note(("features: %s goes on, %d of %d parts are there"):format(store.path, store.parts - #missing, store.parts))
  end
  job.range, job.tell = range, say.progress("features", todo)
  local ended = core.until_stopped(function()
    extract(job, mine, function(k, part)
      local tensors = {}
      for i, name in ipairs(FIELDS) do tensors[i] = { name, part[name] } end
      store:put(k, tensors)
      for _, t in pairs(part) do t:free() end
    end)
  end)
  if not ended then
    fail("interrupted; %s has %d of %d parts, and the same call goes on from there", store.path, store.parts - #store:missing(),
      store.parts)
  end
  local tensors = job.timed("writing", store.finish, store, texts(about))
  job.set:account()
  about.store = store.path
  report(about, todo, n)
  return tensors
end

--- The parts of all ranks as tensors of the whole.
local function together(parts)
  local whole, lists = {}, {}
  for _, of_rank in ipairs(cluster.gather(parts)) do
    for k, part in pairs(of_rank) do lists[k] = part end
  end
  if #lists == 0 then return nil end
  for _, name in ipairs(FIELDS) do
    local list = {}
    for k, part in ipairs(lists) do list[k] = part[name] end
    whole[name] = core.join_rows(list)
  end
  return whole
end

--- Into memory; an interrupt (Ctrl-C) ends it with what there is.
local function through_memory(job, about)
  local n, size = #job.set, job.options.part or PART
  local mine, parts, todo = {}, {}, 0
  function job.range(k) return (k - 1) * size + 1, math.min(k * size, n) end
  for k = 1, -(-n // size) do
    if cluster.mine(k) then
      mine[#mine + 1] = k
      local first, last = job.range(k)
      todo = todo + last - first + 1
    end
  end
  job.tell = say.progress("features", todo)
  about.stopped = not core.until_stopped(function() extract(job, mine, function(k, part) parts[k] = part end) end)
  job.set:account()
  report(about, todo, n)
  return together(parts)
end

--- xai.features(net, images, layer, options): see help "features".
local function features(net, pictures, layer, options)
  local pool
  if type(layer) == "table" and options == nil then layer, options = nil, layer end
  options, pool = settings(options)
  local set = images(pictures)
  if options.store and core.has_hooks(net) then
    fail "store: a view with hooks; what they do cannot be compared with what a store holds"
  end
  local name = layer == nil and core.feature_layer(net) or layer == "input" and layer or net:layer(layer).name
  local about = { layer = name, pool = pool, network = net:hash(), classes = set.classes, set = set }
  local job = { net = net, set = set, layer = name, pool = pool, options = options, batch = options.batch or batch_of(net, BATCH) }
  about.seconds, job.timed = stopwatch()
  local tensors = (options.store and through_store or through_memory)(job, about)
  if not tensors or tensors.features:shape()[1] == 0 then
    fail("none of the %d pictures could be read%s", #set, set.skipped[1] and ": " .. set.skipped[1].why or "")
  end
  return result(tensors, about)
end

--- features.read(path): what a finished store holds, without network and pictures.
local function read(path)
  local whole = tostring(path) .. "/features.safetensors"
  if not core.exists(whole) then fail("%s: no finished store (expected features.safetensors in it)", tostring(path)) end
  local tensors, meta = core.read(whole)
  for _, field in ipairs(FIELDS) do
    if not tensors[field] then fail("%s: no tensor '%s' in it", whole, field) end
  end
  local classes = {}
  for name in (meta.classes or ""):gmatch "[^\n]+" do classes[#classes + 1] = name end
  return result(tensors, { layer = meta.layer, pool = meta.pool, network = meta.network, classes = #classes > 0 and classes or nil,
    store = path })
end

return setmetatable({ read = read }, { __call = function(_, ...) return features(...) end })
