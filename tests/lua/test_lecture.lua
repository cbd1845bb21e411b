-- The lecture's figures, shortened by their own options: what must hold however short they are.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local xai = require "xai"

local program, source = os.getenv "XAI_BUILD" or "build", os.getenv "XAI_SOURCE" or "."

--- What an example prints, remarks included.
local function run(name, arguments)
  local pipe = assert(io.popen(("'%s/xairun' '%s/examples/lecture/%s.lua' %s 2>&1"):format(program, source, name, arguments)))
  local out = pipe:read "a"
  return out, pipe:close()
end

test("L24: the table is whole, the maps are CAM's, and a global average localizes no worse", function(t)
  if os.getenv "XAI_SANITIZE" == "ON" then t.skip "training under sanitizers takes minutes" end
  local found, set = pcall(xai.scenes, { seed = 26, count = 3 })
  if not found then t.skip(set) end
  local path = os.tmpname()
  os.remove(path)
  path = path .. ".onnx"
  local out, good = run("L24_cam_price", ("--steps 100 --count 50 --save '%s'"):format(path))
  t.ok(good, out)

  -- one table, nothing said amid it
  local rows = {}
  local table_text = out:match "\n(network  [^\n]*\n[^\n]*\n[^\n]*\n[^\n]*\n)wrote "
  t.ok(table_text, out)
  for line in table_text:gmatch "[^\n]+" do
    local network, map, accuracy, points, errors, mass = line:match "^(.-)  +(%l+) +(%S+) %% +(%S+) %% +(%S+) %% +(%S+)$"
    rows[#rows + 1] = network and { network, map, tonumber(accuracy), tonumber(points), tonumber(errors), tonumber(mass) }
  end
  t.eq(#rows, 3)
  t.eq({ rows[1][1], rows[2][1], rows[3][1] }, { "fully connected", "global average, new head", "global average, new head" })
  t.eq({ rows[1][2], rows[2][2], rows[3][2] }, { "gradcam", "cam", "gradcam" })
  for _, row in ipairs(rows) do
    for i = 3, 5 do t.ok(row[i] >= 0 and row[i] <= 100) end
    t.ok(row[6] > 0 and row[6] < 1)
  end
  t.eq(rows[2][3], rows[3][3]) -- the same network
  t.ok(rows[2][5] <= rows[1][5] and rows[3][5] <= rows[1][5], table_text)

  -- M_c(x, y) = sum over k of w_k^c f_k(x, y): Zhou et al. 2016, eq. 2
  local net = xai.load(path)
  local fc = net:weight "CAM_fc":totable()
  for i = 1, #set do
    local x, class = net:prepare(set[i].image), set[i].label
    local maps, want = net:forward(x, "CAM_relu")[1], nil
    for k, w in ipairs(fc[class + 1]) do want = want and want + maps[k] * w or maps[k] * w end
    local e = xai.cam(net, x, { target = class })
    t.ok((e.values - want):abs():max() <= 1e-5 * want:abs():max(), "scene " .. i)
  end
  os.remove(path)
end)

done()
