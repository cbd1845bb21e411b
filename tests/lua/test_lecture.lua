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

--- Runs an example on what ships; the picture that it wrote, and its text chunk as far as it says what was done.
local function figure(t, name, arguments)
  local folder = os.tmpname()
  os.remove(folder)
  local pipe = assert(io.popen(("cd '%s' && '%s/xairun' -o '%s' examples/lecture/%s.lua %s 2>&1"):format(source, program, folder, name, arguments or "")))
  local out = pipe:read "a"
  t.ok(pipe:close(), out)
  local path = ("%s/%s.png"):format(folder, name)
  local file <close> = assert(io.open(path, "rb"))
  local bytes, img = file:read "a", xai.image(path)
  os.remove(path)
  os.remove(folder)
  return img, bytes
end

--- How often the text chunk of a picture names a method.
local function count(bytes, method)
  local _, n = bytes:gsub('"method": "' .. method .. '"', "")
  return n
end

test("L11, L14, L17, L18, L25: each has the panels of its figure", function(t)
  local _, bytes = figure(t, "L11_occlusion", "--image examples/images/cat_dog.png --classes 2")
  t.eq(count(bytes, "occlusion"), 1)
  t.ok(bytes:find("P(dog)", 1, true))
  t.eq(count(select(2, figure(t, "L14_saliency")), "saliency"), 4)
  local img = figure(t, "L17_relu_rules")
  t.ok(img.width > 1000 and img.height > 700)
  _, bytes = figure(t, "L18_three_rules")
  t.eq({ count(bytes, "saliency"), count(bytes, "deconvnet"), count(bytes, "guided_backprop") }, { 2, 2, 2 })
  _, bytes = figure(t, "L25_gradcam")
  t.eq(count(bytes, "gradcam"), 2)
  t.ok(bytes:find('"label": "dog"', 1, true) and bytes:find('"label": "cat"', 1, true))
end)

test("L04: vectors of a layer for many pictures, kept on disk", function(t)
  if not pcall(xai.scenes, { count = 1 }) then t.skip "there is no font to draw scenes with" end
  local store = os.tmpname()
  os.remove(store)
  for _ = 1, 2 do -- the second time they are taken from there
    local img, bytes = figure(t, "L04_features", ("--count 24 --store '%s'"):format(store))
    t.ok(img.width > 1000 and bytes:find("24 pictures, as many vectors of 256 numbers: layer relu7, 25 kB on disk", 1, true))
  end
  t.eq(tostring(xai.features.read(store).values:shape()), "24x256")
  os.execute(("rm -rf '%s'"):format(store))
end)

test("L9, L10, L22: patches of known number, and what excited the neurons in each", function(t)
  if not pcall(xai.scenes, { count = 1 }) then t.skip "no font for scenes" end
  local _, bytes = figure(t, "L09_patches", "--count 12 --neurons 2")
  t.eq(count(bytes, "patches"), 18)
  t.ok(bytes:find("which sees %d+x%d+ of 96x96 pixels"))
  _, bytes = figure(t, "L10_patches_guided", "--count 12 --units 3,5")
  t.eq({ count(bytes, "patches"), count(bytes, "guided_backprop") }, { 10, 10 })
  _, bytes = figure(t, "L22_units_detect", "--count 12 --neurons 2")
  t.eq(count(bytes, "patches"), 12)
end)

test("L19, L20, L21, L23: class activation maps as sum, examples, top five and boxes", function(t)
  local _, bytes = figure(t, "L19_cam_sum", "--maps 2")
  t.eq(count(bytes, "cam"), 2)
  t.ok(bytes:find("sum of all 192", 1, true))
  t.eq(count(select(2, figure(t, "L20_cam_examples")), "cam"), 4)
  t.eq(count(select(2, figure(t, "L21_cam_top5")), "cam"), 5)
  _, bytes = figure(t, "L23_cam_boxes")
  t.eq({ count(bytes, "cam"), count(bytes, "gradcam"), count(bytes, "saliency") }, { 3, 3, 3 })
  t.ok(bytes:find("IoU 0", 1, true) and bytes:find("localization error", 1, true))
end)

test("L05, L06, L07: components, maps and neighbours of features; like features are of one class, like pixels are not", function(t)
  local _, bytes = figure(t, "L05_pca", "--count 60 --image examples/images/cat_dog.png")
  t.ok(bytes:find("relu7 (256 numbers per picture)", 1, true) and bytes:find("60 scenes of 8 classes", 1, true))
  _, bytes = figure(t, "L06_tsne", "--count 100 --image examples/images/cat_dog.png")
  t.ok(bytes:find "KL %d%.%d+ after 1000 steps")
  _, bytes = figure(t, "L07_neighbours", "--count 200")
  local by_features, by_pixels = bytes:match "(%d+) %% by relu7, (%d+) %% by pixels"
  t.ok(tonumber(by_features) > 2 * tonumber(by_pixels), bytes:match "Neighbours of[^\"]*")
  figure(t, "L07_neighbours", "--count 50 --image examples/images/cat_dog.png")
end)

test("L1, L2, L3, L8: filters of three layers, a closer look, activations", function(t)
  t.eq(count(select(2, figure(t, "L01_filters")), "filters"), 1)
  local _, bytes = figure(t, "L02_closer_look", "--count 2")
  t.ok(bytes:find("Gabor", 1, true) or bytes:find("are oriented", 1, true))
  _, bytes = figure(t, "L03_higher_filters", "--filters 3")
  t.eq(count(bytes, "filters"), 2)
  t.ok(bytes:find("3 of 96 filters of 3x3, a row each", 1, true))
  _, bytes = figure(t, "L08_activations")
  t.eq(count(bytes, "activations"), 2)
end)

test("the figures run on a network and a photograph from elsewhere", function(t)
  local shared = os.getenv "XAI_SHARED" or "../shared"
  local model, photo = shared .. "/models/squeezenet1.1.onnx"
  local list = io.popen(("ls '%s/images' 2>/dev/null"):format(shared))
  for name in list:lines() do photo = photo or name:find "%.jpe?g$" and ("%s/images/%s"):format(shared, name) or nil end
  list:close()
  if not (photo and io.open(model)) then t.skip "the reference folder is absent" end
  local given = ("--model '%s' --preprocess caffe --labels '%s/models/imagenet_labels.txt' --image '%s'"):format(model, shared, photo)
  t.ok(select(2, figure(t, "L07_neighbours", given .. " --count 20")):find("by fire9/concat_1, ", 1, true))
  t.eq(count(select(2, figure(t, "L01_filters", given)), "filters"), 1)
  figure(t, "L02_closer_look", given)
  t.eq(count(select(2, figure(t, "L03_higher_filters", given)), "filters"), 2)
  t.eq(count(select(2, figure(t, "L08_activations", given)), "activations"), 2)
  local store = os.tmpname()
  os.remove(store)
  t.ok(select(2, figure(t, "L04_features", ("%s --store '%s'"):format(given, store))):find("1 pictures, as many vectors of 512 numbers", 1, true))
  os.execute(("rm -rf '%s'"):format(store))
  t.eq(count(select(2, figure(t, "L14_saliency", given)), "saliency"), 1)
  t.eq(count(select(2, figure(t, "L18_three_rules", given)), "deconvnet"), 2)
  t.eq(count(select(2, figure(t, "L09_patches", given)), "patches"), 6) -- one picture, one patch a neuron
  t.eq(count(select(2, figure(t, "L10_patches_guided", given)), "guided_backprop"), 5)
  t.eq(count(select(2, figure(t, "L22_units_detect", given)), "patches"), 5)
  t.eq(count(select(2, figure(t, "L19_cam_sum", given)), "cam"), 2) -- its last maps are the class's own: w is 1 there
  t.eq(count(select(2, figure(t, "L25_gradcam", given)), "gradcam"), 2)
end)

test("the figures of the second half run there, too", function(t)
  local shared = os.getenv "XAI_SHARED" or "../shared"
  local model, photo = shared .. "/models/squeezenet1.1.onnx", shared .. "/images/cat_dog.png"
  if not (io.open(photo) and io.open(model)) then t.skip "the reference folder is absent" end
  local given = ("--model '%s' --preprocess caffe"):format(model)
  t.eq(count(select(2, figure(t, "L12_class_images", given .. " --steps 2")), "class_image"), 4)
  t.eq(count(select(2, figure(t, "L13_unit_images", given .. " --steps 2 --units 1 --layers conv10_1")), "neuron_image"), 1)
  given = ("%s --image '%s'"):format(given, photo)
  for _, row in ipairs { { "L15_grabcut", "saliency", 1 }, { "L16_inversion", "invert", 5, " --steps 1" }, { "L26_guided_gradcam", "guided_gradcam", 2 },
    { "L27_counterfactual", "gradcam", 4 }, { "L28_any_scalar", "gradcam", 6 }, { "L29_several_instances", "gradcam", 1 },
    { "L30_alpha", "gradcampp", 2 }, { "L31_gradcampp", "gradcampp", 1 } } do
    local _, bytes = figure(t, row[1], given .. (row[4] or ""))
    t.eq(count(bytes, row[2]), row[3], row[1])
    t.ok(row[1] == "L16_inversion" or bytes:find("bull mastiff", 1, true), row[1] .. ": the labels beside the model") -- one of 1000
  end
end)

test("all.lua makes those that are wanted, and a page with them", function(t)
  local out, good = run("all", "--only L99")
  t.ok(not good and out:find("no figure 'L99'", 1, true), out)
  local folder = os.tmpname()
  os.remove(folder)
  local pipe = assert(io.popen(("cd '%s' && '%s/xairun' -o '%s' examples/lecture/all.lua --only L25,L17 2>&1"):format(source, program, folder)))
  out = pipe:read "a"
  t.ok(pipe:close() and out:find("2 figures in", 1, true), out)
  local page = xai.image(folder .. "/lecture.png")
  t.ok(page.width > 500 and page.height > 100)
  os.execute(("rm -r '%s'"):format(folder))
end)

done()
