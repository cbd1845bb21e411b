-- L11: a grey patch slides over the picture (Zeiler, Fergus 2014, figure 7): how probable is the class when the patch stands
-- there, what does hiding a place cost, and which class is most probable then?
local xai = require "xai"
local args = xai.args { "A grey patch over each place in turn: what becomes of the class.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { nil, "the picture; three that ship with xairun if absent" },
  window = { 0, "side of the patch in pixels; 0: a quarter of the network's input" },
  classes = { 4, "how many classes compete for the last column" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local window = args.window > 0 and args.window or net.input[4] // 4
local files = args.image and { args.image } or { "examples/images/cat_dog.png", "examples/images/lion.png", "examples/images/clock_guitar.png" }

--- Which of the classes, counted from 1, is the most probable in each place?
local function winners(grids)
  local shape, rows = grids[1]:shape(), {}
  for y = 1, shape[1] do
    rows[y] = {}
    for x = 1, shape[2] do
      rows[y][x] = 1
      for k = 2, #grids do if grids[k]:get(y, x) > grids[rows[y][x]]:get(y, x) then rows[y][x] = k end end
    end
  end
  return xai.tensor(rows)
end

local cells = { title = "What the network misses when a grey patch hides it",
  cols = { "input", "drop of the probability", "probability with the patch there", "most probable class" } }
for _, file in ipairs(files) do
  local img, maps, grids, names = xai.image(file), {}, {}, {}
  for k, guess in ipairs(net:predict(img, args.classes)) do
    maps[k] = xai.occlusion(net, img, { target = guess.id, score = "prob", window = window, stride = math.max(1, window // 8) })
    grids[k], names[k] = maps[k].grid, guess.label:match "^[^,]*" -- the first of several synonyms
  end
  table.move({ { maps[1]:input(img), maps[1]:caption() }, { maps[1], over = img },
    { grids[1], ("P(%s)"):format(names[1]), cmap = "viridis", scale = { 0, 1 } }, { winners(grids), classes = names } }, 1, 4, #cells + 1, cells)
end
xai.sheet(cells):save "L11_occlusion.png"
