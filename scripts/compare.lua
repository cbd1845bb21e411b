-- compare: which explanation finds the object, and which pixels does the network need?
--
--   xairun compare                                      10 scenes, 20 objects, all methods: some minutes
--   xairun compare --model net.onnx --count 50          five times as long, and standard errors of less than half
--   xairun compare --model net.onnx --methods gradcam,cam,random --metrics pointing,deletion --csv scores.csv
--
-- Makes scenes whose objects are known, explains the class of every object with every method, and prints a table of methods
-- and scores; help "score" says what the scores are. "random" is a map of random numbers: what chance gives. The network's
-- labels must be names of scene classes, or its classes the scenes' in their order. Ctrl-C: the table of what is done.
-- RISE shows 500 masks here (--masks). Infidelity is that of the map at its best scale, since maps are in different units.
local xai = require "xai"
local say = require "xai.say"
local args = xai.args { "All methods side by side, scored on scenes whose objects are known.",
  model = { "default-gap", "the network: a file, an architecture, or one that ships" },
  count = { 10, "number of scenes" },
  methods = { "all", "which, with commas between them" },
  metrics = { "pointing,iou,mass,rank,insertion,deletion", "which, with commas between them; all" },
  objects = { 2, "objects in a scene, 1 to 4" },
  occluders = { 0.0, "share of the scenes in which a shape hides a part of an object" },
  classes = { "all", "names of scene classes, with commas between them" },
  size = { 0, "side of the scenes in pixels; 0: the network's input" },
  target = { "each object", "each object, or largest" },
  tolerance = { 0.0, "pixels by which pointing may miss" },
  masks = { 500, "masks of RISE" },
  csv = { nil, "file for a line per method, score and class" },
  json = { nil, "the same as JSON" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

--- "a,b" as a list; 'all' is another list.
local function list(text, all)
  if text == "all" then return all end
  local names = {}
  for name in text:gmatch "[^,%s]+" do names[#names + 1] = name end
  return names
end

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local input = net.input
local size = args.size > 0 and args.size or { input[4], input[3] }
local set = xai.scenes { seed = xai.seed(), size = size, objects = args.objects, occluders = args.occluders, count = args.count,
  classes = list(args.classes, nil) }
local methods, metrics = list(args.methods, { "random", table.unpack(xai.methods "maps") }), list(args.metrics, xai.score.metrics())

local results, refused = {}, {}
for _, method in ipairs(methods) do
  local good, r = pcall(xai.score, method, net, set, { metrics = metrics, target = args.target,
    pointing = { tolerance = args.tolerance }, infidelity = { normalise = true },
    options = method == "rise" and { masks = args.masks } or nil })
  if good then results[#results + 1] = r else refused[#refused + 1] = { method, tostring(r) } end
  if good and r.stopped then break end
end
if #results == 0 then error(refused[1][2], 0) end

-- ---- the table

local header, rows = { "method" }, {}
for _, metric in ipairs(metrics) do header[#header + 1] = metric end
header[#header + 1] = "s a map"
for i, r in ipairs(results) do
  rows[i] = { r.method .. (r.stopped and " (interrupted)" or "") }
  for k = 1, #metrics do rows[i][k + 1] = r[k].mean and ("%.3f"):format(r[k].mean) or "-" end
  table.insert(rows[i], ("%.4f"):format(r.seconds))
end
table.insert(rows, 1, header)
print(xai.score.aligned(rows))

local low = {}
for _, metric in ipairs(metrics) do
  if xai.score.lower_is_better[metric] then low[#low + 1] = metric end
end
print(("means of %d objects in %d scenes, RISE with %d masks%s"):format(results[1].objects, results[1].pictures, args.masks,
  #low > 0 and "; lower is better: " .. table.concat(low, ", ") or ""))
for _, entry in ipairs(refused) do print(("not %s: %s"):format(entry[1], entry[2])) end

-- ---- files

--- A record per method, metric and class; class "" is all of them.
local records = {}
for _, r in ipairs(results) do
  for _, row in ipairs(r) do
    local function add(class, s)
      records[#records + 1] = { method = r.method, metric = row.metric, class = class, mean = s.mean, se = s.se, n = s.n, seconds = r.seconds }
    end
    add("", row)
    for _, class in ipairs(r.classes) do add(class, row.by_class[class]) end
  end
end
local FIELDS = { "method", "metric", "class", "mean", "se", "n", "seconds" }

local function save(path, text)
  path = say.place(path)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
  say.wrote(path)
end

local function lines(quoted, absent, form)
  local out = {}
  for i, record in ipairs(records) do
    local cells = {}
    for k, field in ipairs(FIELDS) do
      local v = record[field]
      cells[k] = form(field, v == nil and absent or type(v) == "string" and quoted(v) or ("%.9g"):format(v))
    end
    out[i] = cells
  end
  return out
end

if args.csv then
  local out = { table.concat(FIELDS, ",") }
  local function quoted(s) return '"' .. s:gsub('"', '""') .. '"' end
  for _, cells in ipairs(lines(quoted, "", function(_, v) return v end)) do out[#out + 1] = table.concat(cells, ",") end
  save(args.csv, table.concat(out, "\n") .. "\n")
end
if args.json then
  local out = {}
  local function quoted(s)
    return '"' .. s:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
  end
  for i, cells in ipairs(lines(quoted, "null", function(field, v) return ('"%s": %s'):format(field, v) end)) do
    out[i] = "  { " .. table.concat(cells, ", ") .. " }"
  end
  save(args.json, "[\n" .. table.concat(out, ",\n") .. "\n]\n")
end
