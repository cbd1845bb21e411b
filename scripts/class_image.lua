-- class_image: what does the network take for typical of a class? Pictures made from nothing.
--
--   z = argmax of score(z) - l2 sum z^2        z: grey levels about the mean colour, zeros at first
--
-- Simonyan, Vedaldi, Zisserman 2014, "Deep Inside Convolutional Networks", section 2: plain gradient ascent. --preset
-- yosinski3 begins with noise and blurs every fourth step (Yosinski et al. 2015); --jitter moves the picture before each.
-- Ctrl-C ends the ascent and keeps the picture so far.
local xai = require "xai"
local args = xai.args { "What is typical of a class? The picture with the highest score.",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  classes = { "", "class ids or labels, with semicolons between them; the first four if absent" },
  preset = { "simonyan", "constants: simonyan, yosinski1, yosinski2, yosinski3 or yosinski4" },
  steps = { 200, "steps of the ascent" },
  jitter = { 0, "pixels by which the picture is moved at most before each step" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local classes = {}
for class in args.classes:gmatch "[^;]+" do classes[#classes + 1] = class end
if #classes == 0 then for id = 0, math.min(4, net.classes) - 1 do classes[#classes + 1] = id end end

local cells = { title = "What is typical of a class" }
for _, class in ipairs(classes) do
  local e = xai.class_image(net, { target = class, preset = args.preset, steps = args.steps, jitter = args.jitter })
  local scores = e.scores
  cells[#cells + 1] = { e:picture { quantile = 0.995 }, ("%s\nscore %.3g to %.3g"):format(e:caption(), scores:get(1), e.score) }
end
xai.sheet(cells):save "class_image.png"
