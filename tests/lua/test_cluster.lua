-- Several processes under mpirun: the same script, the same results to the last bit as one process alone.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local folder = dofile(here .. "folder.lua")
local xai = require "xai"
local core = require "xai.core"
local cluster = require "xai.cluster"
local build = os.getenv "XAI_BUILD" or "build"

test("alone there is rank 0 of 1, and gathering gives back what it got", function(t)
  t.eq({ xai.rank, xai.size }, { 0, 1 })
  t.eq(cluster.gather { 1, "two" }, { { 1, "two" } })
  for i = 1, 3 do t.ok(cluster.mine(i)) end
end)

test("values travel bit by bit", function(t)
  local x = xai.tensor { { 1, -2.5 }, { 1e-40, 3 } }
  local there = { true, false, 1, -7, 0.1, 1 / 3, math.huge, -0.0, "a\0b", { deep = { 1, [3] = "x" } }, math.maxinteger }
  local back = cluster.unpack(cluster.pack(there))
  t.eq(back, there)
  t.eq(math.type(back[3]), "integer")
  t.eq(1 / back[8], -math.huge)
  t.ok(cluster.unpack(cluster.pack(0 / 0)) ~= cluster.unpack(cluster.pack(0 / 0)))
  t.eq(cluster.unpack(cluster.pack(nil)), nil)
  local y = cluster.unpack(cluster.pack { t = x }).t
  t.eq({ tostring(y:shape()), core.bytes_of(y) }, { "2x2", core.bytes_of(x) })
  t.eq(cluster.unpack(cluster.pack(xai.tensor({ 1, 2 }, "int64"))):dtype(), "int64")
  t.fails(function() cluster.pack(print) end, "cluster: expected plain values and tensors, got a function")
end)

-- ---- under mpirun -----------------------------------------------------------------------------------------------------

local pipe = io.popen "command -v mpirun"
local mpirun = pipe:read "l"
pipe:close()
local module = io.open(build .. "/xai-mpi.so")
if module then module:close() end
local scenes = pcall(xai.scenes, { count = 1 })

local ENVIRONMENT = "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_plm=isolated OMPI_MCA_btl=self,vader "
  .. "OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_rmaps_base_oversubscribe=1 OMP_NUM_THREADS=1"

--- Runs a script on n ranks (nil: without mpirun); what it prints, remarks included, and whether it went well.
local function run(n, script, arguments)
  local out = io.popen(("%s timeout 300 %s '%s/xairun' '%s' %s 2>&1"):format(ENVIRONMENT, n and "mpirun -n " .. n or "", build, script,
    arguments or ""))
  local text = out:read "a"
  return text, out:close()
end

local function need(t)
  if not mpirun then t.skip "there is no mpirun" end
  if not module then t.skip "this build has no MPI" end
  if os.getenv "XAI_SANITIZE" == "ON" then t.skip "MPI itself does not run clean under sanitizers" end
  if not scenes then t.skip "there is no font to draw scenes with" end
end

test("every rank knows who it is, all hear from all, rank 0 alone prints", function(t)
  need(t)
  folder.with(function(path)
    folder.write(path .. "/who.lua", [[
local cluster = require "xai.cluster"
local mine = { rank = xai.rank, text = ("x"):rep(1000 * xai.rank), t = xai.tensor { xai.rank, 0.1 } }
local all = cluster.gather(mine)
local sum = 0
for i, v in ipairs(all) do
  assert(v.rank == i - 1 and #v.text == 1000 * (i - 1) and v.t:get(1) == i - 1)
  sum = sum + v.rank
end
print(xai.rank, xai.size, #all, sum)
]])
    for _, n in ipairs { 1, 2, 4 } do
      local text, good = run(n, path .. "/who.lua")
      t.ok(good, text)
      t.eq(text, ("0\t%d\t%d\t%d\n"):format(n, n, n * (n - 1) // 2))
    end
  end)
end)

local PASS = [[
local set = xai.scenes { seed = 4, size = 96, objects = { 1, 2 }, count = 23 }
local net = xai.model "default"
xai.features(net, set, nil, { store = arg[1] .. "/store", part = 4 })
local f = xai.features(net, set, "conv1", { pool = "max", part = 3 })
xai.write(arg[1] .. "/memory.safetensors", { values = f.values, labels = f.labels })
local r = xai.score("gradcam", net, set, { count = 7, metrics = { "pointing", "mass", "deletion" } })
print(r.pictures, r.objects)
for _, row in ipairs(r) do print(row.metric, ("%a %a %d"):format(row.mean, row.se, row.n)) end
print(("%a"):format(xai.score.accuracy(net, set, { batch = 5 }).mean))
local units, state = { "conv1", "conv5:3" }, arg[1] .. "/patches.safetensors"
xai.patches(net, set, { units = units, k = 4, state = state, every = 2, count = 9 }) -- and goes on:
print(xai.patches(net, set, { units = units, k = 4, state = state, every = 3 }))
local i = 0
local found = xai.patches(net, function() -- pictures of which nobody knows how many there are
  i = i + 1
  return i <= 11 and set[i].image or nil
end, { units = "conv2", k = 3, every = 2 })
print(found.seen, found.shape[3])
for _, list in ipairs(found) do
  for _, p in ipairs(list) do print(list.unit, ("%a"):format(p.activation), p.index, p.row, p.column) end
end
]]

test("features, scores, accuracy and patches are the same bits on 1, 2 and 4 ranks as on none", function(t)
  need(t)
  folder.with(function(path)
    folder.write(path .. "/pass.lua", PASS)
    local want
    for _, n in ipairs { 0, 1, 2, 4 } do
      local out = ("%s/out%d"):format(path, n)
      core.make_dir(out)
      local text, good = run(n > 0 and n or nil, path .. "/pass.lua", out)
      t.ok(good, text)
      local got = { (text:gsub("features: [^\n]*\n", ""):gsub("patches: [^\n]*\n", "")), folder.read(out .. "/memory.safetensors"), folder.read(out .. "/store/manifest.json"),
        folder.read(out .. "/store/features.safetensors") }
      want = want or got
      t.eq(#core.folder(out .. "/store"), 2)
      for i = 1, 4 do t.ok(got[i] == want[i], ("%d ranks: result %d differs: %s"):format(n, i, i == 1 and got[1] .. want[1] or "")) end
    end
  end)
end)

test("a rank that dies ends the others and leaves a store that can go on", function(t)
  need(t)
  folder.with(function(path)
    folder.write(path .. "/pass.lua", [[
local store, dies = arg[1], tonumber(arg[2])
local put, n = require "xai.store".put, 0
require "xai.store".put = function(self, k, tensors)
  put(self, k, tensors)
  n = n + 1
  if xai.rank == dies and n == 2 then -- its second part is there, others are not
    local pid = io.open "/proc/self/stat":read "n"
    os.execute("kill -KILL " .. math.tointeger(pid))
  end
end
xai.features(xai.model "default", xai.scenes { seed = 4, size = 96, count = 40 }, nil, { store = store, part = 2 })
]])
    local text, good = run(nil, path .. "/pass.lua", path .. "/whole")
    t.ok(good, text)
    for dies = 0, 1 do
      local store = ("%s/store%d"):format(path, dies)
      text, good = run(2, path .. "/pass.lua", ("%s %d"):format(store, dies))
      t.ok(not good, "a rank died, and nobody noticed")
      local parts = #core.folder(store)
      t.ok(parts >= 3 and not core.exists(store .. "/features.safetensors"), "parts: " .. parts)
      text, good = run(4, path .. "/pass.lua", store)
      t.ok(good, text)
      t.eq(#core.folder(store), 2)
      t.ok(folder.read(store .. "/features.safetensors") == folder.read(path .. "/whole/features.safetensors"))
    end
  end)
end)

test("a script that fails on one rank ends them all", function(t)
  need(t)
  folder.with(function(path)
    folder.write(path .. "/fail.lua", [[
if xai.rank == 1 then error "deliberate" end
require "xai.cluster".gather(1)
]])
    local text, good = run(2, path .. "/fail.lua")
    t.ok(not good and text:find("deliberate", 1, true), text)
  end)
end)

test("the program itself needs nothing of MPI", function(t)
  local list = io.popen(("ldd '%s/xairun'"):format(build))
  local needed = list:read "a"
  list:close()
  t.ok(needed:find("libc", 1, true) and not needed:find("libmpi", 1, true), needed)
end)

test("without the module, a process among several does not take itself for the only one", function(t)
  local text = folder.with(function(path) -- where no module lies beside the program
    local out = io.popen(("cp '%s/xairun' '%s' && OMPI_COMM_WORLD_SIZE=3 '%s/xairun' -e 'print(1)' 2>&1"):format(build, path, path))
    local said = out:read "a"
    out:close()
    return said
  end)
  t.eq(text, "xairun: mpirun started 3 processes, but this build has no MPI (libopenmpi-dev was not there)\n")
end)

done()
