-- bench/bench.lua: xairun, PyTorch, ONNX Runtime and scikit-learn in turn, task by task and network by network;
-- scripts/bench.sh starts it.
-- A side is a process that answers lines (bench/worker.lua); what is told of it is the median of its runs.
-- Environment: XAI_BENCH_FOLDER for files, XAI_BENCH_LIMITS ("GFLOP/s GB/s"), XAI_BENCH_XAIRUN, _PYTHON, _NODE, _SKLEARN:
-- commands, or empty.
local xai = require "xai"

local TASKS = { "forward", "gradient", "guided", "gradcam", "gradcam-process", "load", "occlusion", "occlusion-logit",
  "smoothgrad", "integrated_gradients", "scorecam", "growth", "train", "embed" }
local NETS = { "alexnet", "vgg16", "resnet18", "resnet50", "resnet101", "googlenet", "squeezenet1_1", "densenet121", "mobilenet_v2" }
-- who can do what is done with networks, and with points
local NETWORKS, POINTS = { xairun = true, torch = true, onnxruntime = true }, { xairun = true, sklearn = true }
local NO_NETWORK = { train = true, embed = true }
-- what takes a peer minutes on a large network is done on these unless networks are named
local SMALL, HIDDEN = { "squeezenet1_1", "resnet18" }, { "squeezenet1_1", "alexnet" }
local LONG = { occlusion = HIDDEN, ["occlusion-logit"] = HIDDEN, smoothgrad = SMALL, integrated_gradients = SMALL, scorecam = SMALL, growth = SMALL }

-- what is done with points: task, points, turns, and whether peers do it as well; the last ones show how time grows
local EMBED = { { "tsne", "5000x50", 3, true }, { "neighbours", "10000x4096", 3, true }, { "pca", "5000x4096", 5, true },
  { "tsne", "1000x50", 3 }, { "tsne", "2000x50", 3 }, { "tsne", "10000x50", 2 }, { "tsne", "20000x50", 1 }, { "tsne", "50000x50", 1 } }

local args = xai.args { "How fast is it here, beside PyTorch, ONNX Runtime and scikit-learn? Milliseconds, medians.",
  tasks = { "all", "some of " .. table.concat(TASKS, ",") },
  nets = { "all", "some of " .. table.concat(NETS, ",") },
  turns = { 5, "how often each side has its turn; a turn is three runs, or one that takes long" },
  peers = { true, "measure them as well" },
  quick = { false, "forward, gradient and gradcam of two networks, in less than a minute" },
  json = { "out/bench.json", "the same numbers for programs" } }

local folder, here, threads = os.getenv "XAI_BENCH_FOLDER", arg[0]:match "^(.-)[^/]*$", xai.threads()
local image = here .. "../examples/images/cat_dog.png"

-- ---- small things ---------------------------------------------------------------------------------------------
local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  return sorted[(#sorted + 1) // 2]
end

local function quote(text) return "'" .. text:gsub("'", [['\'']]) .. "'" end

local function read(path, what)
  local file = io.open(path)
  local text = file and file:read(what or "a")
  if file then file:close() end
  return text
end

--- The parts of "a,b"; 'all' for "all"; names that are not among the known are refused.
local function chosen(text, known, what)
  if text == "all" then return known end
  local list, is = {}, {}
  for _, name in ipairs(known) do is[name] = true end
  for name in text:gmatch "[^,%s]+" do
    if not is[name] then error(("unknown %s '%s' (known: %s)"):format(what, name, table.concat(known, ", ")), 0) end
    list[#list + 1] = name
  end
  return list
end

--- Lists, tables with sorted keys, numbers, strings.
local function json(value, indent)
  local next_indent = indent .. "  "
  if type(value) == "number" then return ("%.10g"):format(value) end
  if type(value) ~= "table" then return '"' .. tostring(value):gsub('[%c"\\]', " ") .. '"' end
  local parts, keys = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  if #value == #keys then
    for i, item in ipairs(value) do parts[i] = json(item, next_indent) end
    local flat = type(value[1]) ~= "table"
    return flat and "[" .. table.concat(parts, ", ") .. "]"
      or "[\n" .. next_indent .. table.concat(parts, ",\n" .. next_indent) .. "\n" .. indent .. "]"
  end
  table.sort(keys)
  for i, key in ipairs(keys) do parts[i] = ('%s"%s": %s'):format(next_indent, key, json(value[key], next_indent)) end
  return "{\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "}"
end

-- ---- sides ------------------------------------------------------------------------------------------------------
local Side = {}
Side.__index = Side

--- A process that reads lines from us and writes lines into a named pipe; nil when it does not start.
local function start(key, command)
  local pipe = folder .. "/" .. key
  os.execute("mkfifo " .. quote(pipe))
  local to = io.popen(("exec %s >%s 2>%s.log"):format(command, quote(pipe), quote(pipe)), "w")
  to:setvbuf "line"
  local side = setmetatable({ key = key, to = to, from = io.open(pipe), log = pipe .. ".log" }, Side)
  side.name = side:listen()
  return side.name and side
end

function Side:listen()
  local line = self.from:read "l"
  if not line then
    local words = read(self.log) or ""
    io.stderr:write(("bench: %s has ended: %s\n"):format(self.name or self.key, words:match "([^\n]*)\n*$"))
    self.gone = true
  end
  return line
end

function Side:ask(...)
  if self.gone then return nil end
  self.to:write(("%s\n"):format(table.concat({ ... }, " ")))
  return self:listen()
end

local worker_command = ("%s -q %sworker.lua %s"):format(quote(os.getenv "XAI_BENCH_XAIRUN"), here, quote(folder))
local sides = { start("xairun", worker_command) }
local function invite(key, variable, script)
  local command = os.getenv(variable) or ""
  if not args.peers or command == "" then return end
  local own = "env -u OMP_WAIT_POLICY -u GOMP_SPINCOUNT -u KMP_BLOCKTIME" -- peers wait as they like, not as we do
  sides[#sides + 1] = start(key, ("%s %s %s%s %s %d"):format(own, quote(command), here, script, quote(folder), threads))
end
invite("torch", "XAI_BENCH_PYTHON", "peer_torch.py")
invite("onnxruntime", "XAI_BENCH_NODE", "peer_ort.js")
invite("sklearn", "XAI_BENCH_SKLEARN", "peer_sklearn.py")
local PEERS <const> = { "torch", "onnxruntime", "sklearn" }

-- ---- one row ----------------------------------------------------------------------------------------------------
--- Each side in turn, 'turns' times; row[key] = { ms, runs }. Between two of them threads that spin go to sleep.
local function take_turns(row, turn, turns)
  local runs = {}
  for _ = 1, turns or args.turns do
    for _, side in ipairs(sides) do
      if turn[side.key] then os.execute "sleep 0.1" end
      for _, ms in ipairs(turn[side.key] and turn[side.key]() or {}) do
        runs[side.key] = runs[side.key] or {}
        table.insert(runs[side.key], ms)
      end
    end
  end
  for key, list in pairs(runs) do row[key] = { ms = median(list), runs = list } end
end

--- A side's turn at a task that it is set up for.
local function worker_turn(side)
  local last
  return function()
    local runs = last and last < 500 and math.max(3, math.min(20, math.floor(120 / last))) or 1
    local answer, times = side:ask("run", runs), {}
    for ms in (answer or ""):gmatch "%S+" do times[#times + 1] = tonumber(ms) end
    last = times[#times]
    return times
  end
end

local limits = {}
limits.gflops, limits.gbytes = (os.getenv "XAI_BENCH_LIMITS" or "nan nan"):match "(%S+) (%S+)"
limits.gflops, limits.gbytes = tonumber(limits.gflops), tonumber(limits.gbytes)

--- The share of what the machine could do at most, had all been computed directly.
local function judge(row, flop, bytes)
  if not row.xairun or not limits.gflops or flop + bytes == 0 then return end
  local arithmetic, memory = flop / limits.gflops / 1e6, bytes / limits.gbytes / 1e6
  row.flop, row.bytes = flop, bytes
  row.bound = arithmetic > memory and "arithmetic" or "memory"
  row.share = math.max(arithmetic, memory) / row.xairun.ms
end

--- who: the keys of the sides that can do it.
local function measure(task, net, who, turns)
  local row, turn, flop, bytes = { task = task, net = net }, {}, nil, nil
  for i, side in ipairs(sides) do
    local answer = not who[side.key] and "skip" or side:ask("setup", task, net) or "skip it has ended"
    if answer:find "^ready" then turn[side.key] = worker_turn(side) end
    if i == 1 then
      flop, bytes = answer:match "^ready (%S+) (%S+)"
      if not flop then return nil, answer:gsub("^skip ", "") end
    end
  end
  take_turns(row, turn, turns)
  judge(row, tonumber(flop), tonumber(bytes))
  return row
end

--- A whole process, from its command to a picture.
local function measure_process(net)
  local row, turn, peak = { task = "gradcam-process", net = net }, {}, {}
  local function process(key, command)
    turn[key] = function()
      local begin = xai.clock()
      local ok = os.execute(("/usr/bin/time -q -f %%M -o %s %s >%s 2>&1"):format(quote(folder .. "/peak"), command, quote(folder .. "/log")))
      local ms = 1000 * (xai.clock() - begin)
      if not ok then
        io.stderr:write(("bench: gradcam-process of %s: %s\n"):format(key, (read(folder .. "/log") or ""):match "([^\n]*)\n*$"))
        turn[key] = nil
        return {}
      end
      peak[key] = math.max(peak[key] or 0, tonumber(read(folder .. "/peak", "n")) / 1024)
      return { ms }
    end
  end
  process("xairun", ("%s -q -o %s gradcam --model %s --image %s"):format(quote(os.getenv "XAI_BENCH_XAIRUN"), quote(folder),
    quote(folder .. "/" .. net .. ".onnx"), quote(image)))
  process("torch", ("%s %speer_torch.py picture %s %s %s %s"):format(quote(os.getenv "XAI_BENCH_PYTHON" or ""), here, net,
    quote(folder .. "/" .. net .. ".pth"), quote(image), quote(folder .. "/torch.png")))
  take_turns(row, turn)
  for key, megabytes in pairs(peak) do row[key].peak_mb = megabytes end
  return row
end

--- How the cost of a pass grows, of xairun alone: row.growth.batch[n], milliseconds per picture of a batch; .four, the time of a
--- picture with four times as many pixels; .two, the time of two programs at once, both for one that is alone.
local function measure_growth(net)
  local row, batch, second = { task = "growth", net = net }, {}, nil
  local function pass(task)
    if not (sides[1]:ask("setup", task, net) or ""):find "^ready" then return nil end
    local turn, own = { xairun = worker_turn(sides[1]) }, {}
    take_turns(own, turn)
    return own.xairun
  end
  row.xairun = pass "forward-1x224"
  if not row.xairun then return nil end
  for _, n in ipairs { 1, 2, 4, 16, 64 } do batch[n] = (n == 1 and row.xairun or pass(("forward-%dx224"):format(n))).ms / n end
  row.growth = { batch = batch, four = pass "forward-1x448".ms / row.xairun.ms }
  pass "forward-1x224"
  second = start("second", worker_command)
  second:ask("setup", "forward-1x224", net)
  local both = {}
  for _ = 1, args.turns do
    for _, side in ipairs { sides[1], second } do side.to:write "run 20\n" end
    for _, side in ipairs { sides[1], second } do
      for ms in side:listen():gmatch "%S+" do both[#both + 1] = tonumber(ms) end
    end
  end
  row.growth.two = median(both) / row.xairun.ms
  second.to:close()
  second.from:close()
  os.remove(folder .. "/second")
  return row
end

-- ---- the table ----------------------------------------------------------------------------------------------------
local function time(ms) return ms and (ms < 100 and "%.2f" or "%.0f"):format(ms) or "" end
local function times(ratio) return ratio and ("%.2fx"):format(ratio) or "" end
local function line(...) print((("%-20s %-14s %9s %11s %8s %11s %8s  %s"):format(...):gsub("%s+$", ""))) end

local function show(row)
  for _, key in ipairs(PEERS) do
    if row[key] then row[key].ratio = row[key].ms / row.xairun.ms end
  end
  local torch, ort, remark = row.torch or row.sklearn or {}, row.onnxruntime or {}, ""
  if row.share then remark = ("%3.0f %% %s"):format(100 * row.share, row.bound) end
  if row.xairun.peak_mb then
    remark = ("%.0f MB"):format(row.xairun.peak_mb) .. (torch.peak_mb and (", PyTorch %.0f MB"):format(torch.peak_mb) or "")
  end
  if row.growth then
    local b = row.growth.batch
    remark = ("a picture of 2, 4, 16, 64: %.2f %.2f %.2f %.2f; of 448 x 448: %.2fx; two programs at once: %.2fx"):format(
      b[2], b[4], b[16], b[64], row.growth.four, row.growth.two)
  end
  line(row.task, row.net, time(row.xairun.ms), time(torch.ms), times(torch.ratio), time(ort.ms), times(ort.ratio), remark)
end

--- Geometric means of the ratios of each task.
local function summary(rows, tasks)
  local list = {}
  for _, task in ipairs(tasks) do
    local mean = { task = task }
    for _, key in ipairs { "torch", "onnxruntime" } do
      local sum, n = 0, 0
      for _, row in ipairs(rows) do
        if row.task == task and row[key] then sum, n = sum + math.log(row[key].ratio), n + 1 end
      end
      if n > 0 then mean[key] = math.exp(sum / n) end
      mean.nets = math.max(n, mean.nets or 0)
    end
    if mean.nets > 1 then
      list[#list + 1] = mean
      line(task, ("mean of %d"):format(mean.nets), "", "", times(mean.torch), "", times(mean.onnxruntime), "")
    end
  end
  return list
end

-- ---- all of it ------------------------------------------------------------------------------------------------------
local tasks, nets = chosen(args.tasks, TASKS, "task"), chosen(args.nets, NETS, "net")
if args.quick then
  tasks = args.tasks == "all" and { "forward", "gradient", "gradcam" } or tasks
  nets = args.nets == "all" and SMALL or nets
end
local wanted = {}
for _, task in ipairs(tasks) do wanted[task] = true end

local function is_run(task, net)
  if NO_NETWORK[task] then return false end
  if not LONG[task] or args.nets ~= "all" then return true end
  for _, usual in ipairs(LONG[task]) do
    if usual == net then return true end
  end
  return false
end

local machine = {
  processor = (read "/proc/cpuinfo" or ""):match "model name%s*:%s*([^\n]+)" or "unknown",
  threads = threads, load = tonumber((read "/proc/loadavg" or ""):match "%S+") or 0,
  instructions = os.getenv "XAI_BENCH_INSTRUCTIONS", limits = limits,
}
local who = {}
for _, side in ipairs(sides) do who[side.key] = side.name end
print(("%s, %d threads, %s; at most %.0f GFLOP/s and %.0f GB/s; load before %.2f"):format(machine.processor, threads,
  machine.instructions, limits.gflops or 0 / 0, limits.gbytes or 0 / 0, machine.load))
if machine.load > 0.5 then io.stderr:write "bench: others use this machine: what follows is slower than it should be\n" end
local names = {}
for i, side in ipairs(sides) do names[i] = side.name end
print(table.concat(names, ", "))
line("task", "network", "xairun", who.torch and "PyTorch" or "", "", who.onnxruntime and "ONNX R." or "", "", "of the limit")

local rows, told = {}, {}
local function add(row, reason)
  if row and row.xairun then
    show(row)
    rows[#rows + 1] = row
  elseif reason and not told[reason] then
    told[reason] = true
    print("skipped: " .. reason)
  end
end

local some = false -- of the tasks needs networks
for _, task in ipairs(tasks) do some = some or not NO_NETWORK[task] end
for _, net in ipairs(some and nets or {}) do
  for _, side in ipairs(sides) do
    if NETWORKS[side.key] and (side.key ~= "torch" or wanted.load or wanted["gradcam-process"]) then side:ask("make", net) end
  end
  for _, task in ipairs(tasks) do
    if task == "gradcam-process" then add(measure_process(net))
    elseif is_run(task, net) then
      if task == "growth" then add(measure_growth(net)) else add(measure(task, net, NETWORKS)) end
    end
  end
  os.remove(("%s/%s.onnx"):format(folder, net))
  os.remove(("%s/%s.pth"):format(folder, net))
end
if wanted.train then add(measure("train", "small", NETWORKS)) end
if wanted.embed then
  line("task", "points", "xairun", who.sklearn and "sklearn" or "", "", "", "", "of the limit")
  for _, row in ipairs(EMBED) do
    local task, points, turns, beside = table.unpack(row)
    sides[1]:ask("make", points)
    add(measure(task, points, beside and POINTS or { xairun = true }, math.min(turns, args.turns)))
    os.remove(("%s/%s.npy"):format(folder, points))
  end
end

local means = summary(rows, tasks)
local file = assert(io.open(args.json, "w"))
file:write(json({ machine = machine, versions = who, rows = rows, means = means }, ""), "\n")
file:close()
print(args.json)
