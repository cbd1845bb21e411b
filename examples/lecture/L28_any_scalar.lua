-- L28: Grad-CAM asks about any number that the network computes: a class, a sum of classes, a difference, a unit, the likeness of two
-- pictures' codes. One call for all; only 'target' changes, and with a tensor it is whatever gradient one likes.
local xai = require "xai"
local args = xai.args { "Grad-CAM of any scalar: sums, differences, units, the likeness of two codes.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  like = { "examples/images/three_dogs.png", "another picture: what is like it?" },
  code = { nil, "the layer of the code; the one before the scores if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img, other = xai.image(args.image), xai.image(args.like)
local top = net:predict(img, 2)
local a, b = top[1], top[2]
for _, guess in ipairs(top) do guess.name = guess.label:match "^[^,]*" end


local code, layer -- the last layer before the scores; where it has height and width, it is also the one to look at
for _, l in ipairs(net:layers()) do
  local op = l.op:lower()
  if (op == "relu" or op == "concat") and l.shape and l.shape[1] ~= net.classes then code = args.code or l.name end
end
if (net:layer(code).shape[3] or 1) > 1 then layer = code end
local wanted = net:forward(net:prepare(other), code)
local place = { net:forward(net:prepare(img), code):argmax() }
place[1] = code -- in place of the picture's number
local unit = table.concat(place, ":")

local cells = { title = "Grad-CAM of whatever the network computes", cols = 4 }
for _, question in ipairs {
  { a.name, a.id }, { b.name, b.id }, { ("%s + %s"):format(a.name, b.name), { a.id, b.id } },
  { ("%s − %s"):format(a.name, b.name), { plus = a.id, minus = b.id } }, { "a unit\n" .. unit, unit },
  { "likeness to that picture\nproduct of both's " .. code, wanted * (1 / wanted:norm()), code } } do
  local e = xai.gradcam(net, img, { target = question[2], at = question[3], layer = layer })
  cells[1] = cells[1] or { e:input(img), "input" }
  if question[3] then cells[#cells + 1] = { xai.saliency(net, other):input(other), "another picture" } end
  cells[#cells + 1] = { e, question[1], over = e:input(img), bar = false }
end
xai.sheet(cells):save "L28_any_scalar.png"
