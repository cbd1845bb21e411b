-- xai.patches: which pictures excite a unit most, and what of them it saw (Girshick et al. 2014; Zeiler, Fergus 2014).
--
--   local found = xai.patches(net, images, { units = { "conv3", "conv5:12" }, k = 9 })
--   print(found)                                    a line per patch: activation, picture, box
--   for _, p in ipairs(found "conv5:12") do print(p.activation, p.index, p.box.x, p.box.y); cells[#cells + 1] = p.image end
--
-- One pass over the pictures keeps, for every channel of a layer that is named, and for each unit "layer:channel", the k
-- places of largest activation, at most one per picture (src/explain/patches.c); what is kept does not grow with their number.
-- images is a list of pictures, paths or { image =, label = }, scenes, what xai.images makes or takes, or a function that gives
-- one after the other. state = FILE keeps what was found so far, so that the same call goes on where it was interrupted. Under
-- mpirun every rank looks at its share of the pictures, and all of them get the same answer.
--
-- A patch p has .activation .index (of the picture) .row .column (in the map) .unit, and, computed when asked for, all in pixels
-- of the network's input: .box what the unit sees, .full the same as if nothing had borders, .image the picture cut to .full,
-- striped where there is no picture, .picture the whole input, .name; p:trace "guided_backprop" is what excited the unit there.
local core = require "xai.core"
local check = require "xai.check"
local cluster = require "xai.cluster"
local say = require "xai.say"
local facts = require "xai.facts"
local field = require "xai.field"
local read = require "xai.image"

local function complain(text, ...) core.fail(("patches: " .. text):format(...)) end

-- ---- pictures ----------------------------------------------------------------------------------------------------------

--- A picture, path, prepared input or { image = one of these } as an input of the network.
local function input_of(net, item, where)
  local given = type(item) == "table" and (item.image or item.path or item[1]) or item
  if type(given) == "string" then given = read(given) end
  if core.is_image(given) then return net:prepare(given) end
  if core.is_tensor(given) then return given end
  complain("%s: expected a picture, a path or { image = }, got a %s", where, type(given))
end

--- One after the other as inputs, and nil after the last, from a source's get.
local function in_turn(source)
  return function(net, first, last)
    local i = first - 1
    return function()
      i = i + 1
      local item = i <= last and source.get(i) or nil
      if item ~= nil then return i, input_of(net, item, "picture " .. i) end
    end
  end
end

--- A function that gives picture after picture: no way back.
local function from_function(fn)
  local at, source = 0, {}
  function source.get(i)
    local item
    while at < i do
      item, at = fn(), at + 1
      if item == nil then return nil end
    end
    return item
  end
  source.each = in_turn(source)
  return source
end

--- What xai.images makes: read ahead by threads; what cannot be read is left out.
local function from_images(images)
  return function(net, first, last)
    local inputs = images:inputs(net, {}, { first, last })
    return function()
      while true do
        local x, at, _, taken = inputs:batch(1)
        if taken == 0 then return nil end
        if x then return at[1], x end
      end
    end, nil, nil, inputs
  end
end

--- What stands for a set of pictures: count (nil: not known), get(i) (an item), each(net, first, last) (an iterator of numbers
--- and inputs), again: it can be asked twice, name(i).
local function source_of(images)
  if type(images) == "string" then images = require "xai.images" (images) end
  if type(images) == "function" then return from_function(images) end
  if core.is_image(images) or core.is_tensor(images) or type(images) ~= "table" and type(images) ~= "userdata" then
    complain("images: expected a list, scenes, a folder or a function, got a %s", type(images))
  end
  local source = { count = #images, again = true, get = function(i) return images[i] end }
  local set = type(images) == "table" and images.inputs
  source.each = set and from_images(images) or in_turn(source)
  if set then source.hash = function() return images:hash() end end
  function source.name(i)
    local item = set and images:name(i) or images[i]
    local name = type(item) == "table" and (item.name or item.path or item.class) or item
    return type(name) == "string" and name:match "[^/]*$" or nil
  end
  return source
end

--- Tells one picture from another.
local function mark_of(x) return ("%s %.9g %.9g"):format(x:shape(), x:sum(), x:norm()) end

-- ---- units -------------------------------------------------------------------------------------------------------------

local function last_map(net)
  local name
  for _, layer in ipairs(net:layers()) do
    if layer.shape and #layer.shape == 3 and layer.shape[2] > 1 then name = layer.name end
  end
  return name or complain "units: expected a layer or layer:channel: no layer of this network has height and width"
end

--- The layers of a list of units, each { name =, channels = list or nil, units = names }, and where each unit's list stands.
local function layers_of(net, units)
  local layers, by_name, order = {}, {}, {}
  local function add(layer, channel)
    local l = by_name[layer.name]
    if not l then
      l = { name = layer.name, axes = #layer.shape, channels = {}, row = {} }
      layers[#layers + 1], by_name[layer.name] = l, l
    end
    if not l.row[channel] then
      l.channels[#l.channels + 1] = channel
      l.row[channel] = #l.channels
      order[#order + 1] = { layer = l, row = #l.channels, unit = layer.name .. ":" .. channel }
    end
  end
  for _, unit in ipairs(type(units) == "string" and { units } or units) do
    local layer, at = field.unit(net, unit)
    local count = layer.shape and layer.shape[1]
    if #at > 1 then complain("units: '%s' names a place; expected a layer or layer:channel, the place is looked for", unit) end
    if not count then complain("units: the shape of layer '%s' is not known", layer.name) end
    if at[1] and (at[1] < 1 or at[1] > count) then complain("units: '%s': layer '%s' has %d channels", unit, layer.name, count) end
    for channel = at[1] or 1, at[1] or count do add(layer, channel) end
  end
  if #order == 0 then complain "units: expected a layer, layer:channel or a list of those" end
  return layers, order
end

-- ---- state on disk -----------------------------------------------------------------------------------------------------

local FORM <const> = "xairun patches 1"

--- What a state must have been made with, in words that a message can say.
local function terms(self)
  local units = {}
  for i, u in ipairs(self.order) do units[i] = u.unit end
  local p, made = self.net.preprocess, {}
  for key, value in pairs(type(p) == "table" and p or { p }) do
    made[#made + 1] = ("%s = %s"):format(key, type(value) == "table" and table.concat(value, " ") or tostring(value))
  end
  table.sort(made)
  return { { "network", self.net:hash() }, { "units", table.concat(units, " ") }, { "k", tostring(self.k) },
    { "preprocessing", table.concat(made, ", ") }, { "pictures", self.source.hash and self.source.hash() or "" } }
end

local LISTS <const> = { "values", "pictures", "places" }

local function save(self, lists)
  local tensors, meta = {}, { { "form", FORM }, { "seen", tostring(self.seen) }, { "begun", tostring(self.begun) },
    { "first", self.first }, { "last", self.last } }
  for i, l in ipairs(self.layers) do
    for _, key in ipairs(LISTS) do tensors[#tensors + 1] = { ("%d %s"):format(i, key), lists[i][key] } end
    meta[#meta + 1] = { ("%d width"):format(i), tostring(l.width) }
  end
  for _, term in ipairs(terms(self)) do meta[#meta + 1] = term end
  core.write(self.state, tensors, meta)
end

--- Takes up what is in the file; refuses what another call has left there.
local function take_up(self)
  local path = self.state
  local tensors, meta = core.read(path)
  if meta.form ~= FORM then complain("state: %s is no state of xai.patches", path) end
  for _, term in ipairs(terms(self)) do
    local what = term[1] == "network" and "weights or another network" or term[1]
    if meta[term[1]] ~= term[2] then complain("state: %s was made with other %s (remove it to begin anew)", path, what) end
  end
  local function number(key) return math.tointeger(tonumber(meta[key])) or complain("state: %s is damaged: %s", path, key) end
  local seen, begun = number "seen", number "begun"
  for i, l in ipairs(self.layers) do
    for _, key in ipairs(LISTS) do
      local t = tensors[("%d %s"):format(i, key)]
      if not (t and tostring(t:shape()) == tostring(l[key]:shape()) and t:dtype() == l[key]:dtype()) then
        complain("state: %s is damaged: %s of layer %s", path, key, l.name)
      end
      l[key] = t:copy()
    end
    l.width = math.max(1, number(i .. " width"))
  end
  if self.source.count and seen > self.source.count then
    complain("state: %s has seen %d pictures, but there are %d", path, seen, self.source.count)
  end
  for _, at in ipairs { { begun, meta.first }, { seen, meta.last } } do -- a function has only one way to go
    local item = (self.source.again or at[1] == seen) and self.source.get(at[1])
    if item == nil then complain("state: %s has seen %d pictures, but there are fewer", path, seen) end
    local x = item and input_of(self.net, item, "picture " .. at[1])
    if x and mark_of(x) ~= at[2] then
      complain("state: %s was made with other pictures: number %d is another (remove it to begin anew)", path, at[1])
    end
    self.shape = x and { table.unpack(x:shape()) } or nil
  end
  self.seen, self.begun, self.first, self.last = seen, begun, meta.first, meta.last
  say.note(("patches: goes on after picture %d of %s"):format(seen, path))
end

-- ---- patches -----------------------------------------------------------------------------------------------------------

local Patch, lazy = {}, {}

function Patch:__index(key)
  if lazy[key] then
    local value = lazy[key](self)
    rawset(self, key, value)
    return value
  end
  return Patch[key]
end

local function x_of(p)
  local found = p.found
  local kept = found.kept[p.index]
  if kept then return kept end
  if not found.source.again then
    complain("picture %d came from a function, which cannot be asked again: found:collect(function) goes through them once more",
      p.index)
  end
  return input_of(found.net, found.source.get(p.index), "picture " .. p.index)
end

--- "layer:channel:row:column", as far as the layer has these axes.
local function place_of(p)
  local axes = p.found.by_unit[p.unit].layer.axes
  return p.unit .. (axes > 2 and ":" .. p.row or "") .. (axes > 1 and ":" .. p.column or "")
end

local function look_back(p)
  local shape = p.found.shape
  local f = p.found.net:receptive_field(place_of(p), { size = { shape[4], shape[3] } })
  rawset(p, "box", f.box)
  rawset(p, "full", f.full)
  return f
end
function lazy.box(p) return look_back(p).box end
function lazy.full(p) return look_back(p).full end
function lazy.picture(p) return p.found.net:unprepare(x_of(p)) end
function lazy.name(p) return p.found.source.name and p.found.source.name(p.index) or "picture " .. p.index end

--- How it was made, for the text inside of a figure.
local function facts_of(p)
  return { method = "patches", target = p.unit, picture = p.name, activation = p.activation, box = p.box, net = p.found.net }
end

function lazy.image(p)
  local full = p.full
  local img = core.cut(p.found.net:unprepare(x_of(p)), full.x, full.y, full.w, full.h)
  img.bar = { facts = facts_of(p) }
  return img
end

--- What in the patch excited the unit: a method that takes the option 'at', cut like .image. Another name that will do:
--- "deconvnet" (Zeiler, Fergus 2014), "saliency".
function Patch:trace(method)
  method = method or "guided_backprop"
  local run = core.methods[method]
  if not run then complain("trace: there is no method '%s'", tostring(method)) end
  local at = place_of(self)
  local e = require "xai" [method](self.found.net, x_of(self), method == "saliency" and { target = at } or { at = at })
  local seen = self.box and self.box.w * self.box.h / (e.width * e.height) or 1
  local img = e:picture { of = method == "saliency" and "gradient" or nil, quantile = 1 - 0.005 * seen } -- elsewhere it is 0
  local cut = core.cut(img, self.full.x, self.full.y, self.full.w, self.full.h)
  cut.bar = { facts = facts.of(e) }
  return cut
end

-- ---- what is found -----------------------------------------------------------------------------------------------------

local Found = {}
Found.__index = Found

local function patches_of(self, u)
  local list, l = { unit = u.unit }, u.layer
  for i = 1, self.k do
    local index, place = l.pictures:get(u.row, i), l.places:get(u.row, i)
    if index > 0 then
      list[#list + 1] = setmetatable({ found = self, unit = u.unit, activation = l.values:get(u.row, i), index = index,
        row = place // l.width + 1, column = place % l.width + 1 }, Patch)
    end
  end
  return list
end

--- found "conv5:12": the patches of a unit, best first.
function Found:__call(unit)
  local u = self.by_unit[unit]
  if u then return u.list end
  complain("'%s' is none of the units that were asked for", tostring(unit))
end

--- The lists of n units with the largest activations; as long as there are any, units that another picture excites most.
function Found:strongest(n)
  local lists = {}
  for _, list in ipairs(self) do
    if list[1] then lists[#lists + 1] = list end
  end
  local rank = {}
  for i, list in ipairs(lists) do rank[list] = i end
  table.sort(lists, function(a, b)
    if a[1].activation ~= b[1].activation then return a[1].activation > b[1].activation end
    return rank[a] < rank[b]
  end)
  local first, others, taken = {}, {}, {}
  for _, list in ipairs(lists) do
    local index = list[1].index
    table.insert(taken[index] and others or first, list)
    taken[index] = true
  end
  table.move(others, 1, #others, #first + 1, first)
  return table.move(first, 1, math.min(n, #first), 1, {})
end

--- Goes once more through pictures that came from a function and keeps those with a patch of these units (absent: of all).
function Found:collect(images, units)
  local source, wanted = source_of(images), {}
  for _, list in ipairs(self) do
    local chosen = units == nil
    for _, unit in ipairs(units or {}) do chosen = chosen or unit == list.unit end
    for _, p in ipairs(chosen and list or {}) do wanted[p.index] = true end
  end
  for i = 1, self.seen do
    local item = source.get(i)
    if item == nil then complain("collect: expected %d pictures, got %d", self.seen, i - 1) end
    if wanted[i] then self.kept[i] = input_of(self.net, item, "picture " .. i) end
  end
  return self
end

--- A line per patch, as Girshick et al. 2014 list them.
function Found:__tostring()
  local lines = { ("%d units, %d pictures%s"):format(#self, self.seen, self.stopped and " (interrupted)" or "") }
  for _, list in ipairs(self) do
    lines[#lines + 1] = list.unit
    for i, p in ipairs(list) do
      local b = p.box
      lines[#lines + 1] = ("  %2d  %10.4g  %s  %s"):format(i, p.activation, p.name,
        b and ("%dx%d at %d, %d"):format(b.w, b.h, b.x, b.y) or "nothing of it")
    end
  end
  return table.concat(lines, "\n")
end

-- ---- the pass ----------------------------------------------------------------------------------------------------------

local function check_size(self, i, shape)
  local text, others = table.concat(shape, "x"), table.concat(self.shape or shape, "x")
  if text ~= others then complain("picture %d: its input is %s, that of others %s: maps of one size are needed", i, text, others) end
  self.shape = shape
end

local function look(self, names, i, x)
  check_size(self, i, { table.unpack(x:shape()) })
  local run = self.net:run(x, { keep = names })
  for _, l in ipairs(self.layers) do
    local y = run:get(l.name)
    local shape = y:shape()
    l.width = #shape > 2 and shape[#shape] or 1
    core.patches_add(l.values, l.pictures, l.places, l.which, y, i)
    y:free()
  end
  run:free()
  self.last = mark_of(x)
  if not self.first then self.begun, self.first = i, self.last end
  self.seen = i -- the last: a picture that is looked at twice counts once
end

--- Nothing found yet.
local function empty(self)
  for _, l in ipairs(self.layers) do l.values, l.pictures, l.places = core.patches_new(#l.channels, self.k) end
end

--- The k best of what several have found for each channel, the largest first, the earlier picture of two that are alike.
local function best_of(found, k)
  local lists = { values = {}, pictures = {}, places = {} }
  for r = 1, #found[1].values do
    local entries = {}
    for _, f in ipairs(found) do
      for i = 1, k do entries[#entries + 1] = { values = f.values[r][i], pictures = f.pictures[r][i], places = f.places[r][i] } end
    end
    table.sort(entries, function(a, b)
      local there, too = a.pictures > 0, b.pictures > 0
      if there ~= too then return there end
      if a.values ~= b.values then return a.values > b.values end
      return a.pictures < b.pictures
    end)
    for key, rows in pairs(lists) do
      rows[r] = {}
      for i = 1, k do rows[r][i] = entries[i][key] end
    end
  end
  return { values = core.tensor(lists.values), pictures = core.tensor(lists.pictures, "int64"), places = core.tensor(lists.places, "int64") }
end

--- What all ranks have found, per layer; and what they have seen becomes known to each.
local function together(self, ended)
  local mine = { seen = self.seen, last = self.last, begun = self.begun, first = self.first, stopped = self.stopped, ended = ended,
    shape = self.shape, layers = {} }
  for i, l in ipairs(self.layers) do mine.layers[i] = { values = l.values, pictures = l.pictures, places = l.places, width = l.width } end
  if cluster.size == 1 then return mine.layers, ended end
  local all, lists = cluster.gather(mine), {}
  for _, rank in ipairs(all) do
    if rank.seen > self.seen then self.seen, self.last = rank.seen, rank.last end
    if rank.begun and (not self.begun or rank.begun < self.begun) then self.begun, self.first = rank.begun, rank.first end
    self.stopped, ended = self.stopped or rank.stopped, ended or rank.ended
    if rank.shape then check_size(self, rank.seen, rank.shape) end
  end
  for i, l in ipairs(self.layers) do
    local found = {}
    for r, rank in ipairs(all) do
      local theirs = rank.layers[i]
      l.width = l.width or theirs.width
      found[r] = { values = theirs.values:totable(), pictures = theirs.pictures:totable(), places = theirs.places:totable() }
    end
    lists[i] = best_of(found, self.k)
  end
  return lists, ended
end

--- Goes through the pictures up to 'count' in rounds, after which all ranks hear of each other and the state is written; in
--- one round where there is none to write.
local function go_through(self, names, count, every)
  local total = count - self.seen
  local tell = count < math.huge and say.progress("patches", total) or function() end
  local round = (self.state or cluster.size > 1 and count == math.huge) and every * cluster.size or count
  local at, ended, done, lists = self.seen, self.seen >= count, 0, nil
  if cluster.rank > 0 then empty(self) end -- what was taken up is in the lists of rank 0
  if ended then lists = together(self, true) end
  while not ended and not self.stopped do
    local first, last = at + 1, math.min(at + round, count)
    if cluster.size > 1 then -- a share that is one piece
      local share = (last - at + cluster.size - 1) // cluster.size
      first = first + cluster.rank * share
      last = math.min(last, first + share - 1)
    end
    local here = first - 1
    self.stopped = not core.until_stopped(function()
      for i, x in self.source.each(self.net, first, last) do
        look(self, names, i, x)
        here, done = i, done + 1
        tell(math.min(done * cluster.size, total))
      end
    end)
    at = math.min(at + round, count)
    lists, ended = together(self, at >= count or not self.source.count and here < last)
    if self.state and cluster.rank == 0 and self.first and not (self.stopped and cluster.size > 1) then save(self, lists) end
    cluster.wait() -- nobody looks for the state before it is written
  end
  for i, l in ipairs(self.layers) do
    for _, key in ipairs(LISTS) do l[key] = lists[i][key] end
  end
end

local KEYS = { "units", "k", "count", "state", "every" }

local function whole(options, key, absent)
  local v = options[key]
  if v == nil then return absent end
  if math.type(v) ~= "integer" or v < 1 then complain("%s: expected a whole number from 1 on, got %s", key, tostring(v)) end
  return v
end

--- options: units, k = 9, count = pictures at most, state = path, every = 100 pictures between writes of it.
return function(net, images, options)
  options = check.options("patches", options, KEYS)
  local units = options.units or last_map(net)
  if type(units) ~= "string" and type(units) ~= "table" then complain("units: expected a text or a list, got a %s", type(units)) end
  local self = setmetatable({ net = net, k = whole(options, "k", 9), state = check.kind("patches", "state", options.state, "string"),
    source = source_of(images), seen = 0, kept = {} }, Found)
  self.layers, self.order = layers_of(net, units)
  self.by_unit = {}
  for _, u in ipairs(self.order) do self.by_unit[u.unit] = u end
  local names = {}
  for i, l in ipairs(self.layers) do
    names[i] = l.name
    for row, channel in ipairs(l.channels) do l.channels[row] = channel - 1 end
    l.which = core.tensor(l.channels, "int64")
  end
  empty(self)
  local every, count = whole(options, "every", 100), math.min(whole(options, "count", math.huge), self.source.count or math.huge)
  if self.state and not self.state:find "%.safetensors$" then
    complain("state: expected a name that ends in .safetensors, got '%s'", self.state)
  end
  if self.state and core.exists(self.state) then take_up(self) end

  go_through(self, names, count, every)
  if self.seen == 0 and not self.stopped then complain "images: there is no picture in it" end
  for i, u in ipairs(self.order) do
    u.list = patches_of(self, u)
    self[i] = u.list
  end
  return self
end
