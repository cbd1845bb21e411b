-- Ten thousand passes of the real SqueezeNet, forward and gradient in turn: minutes, so not in every run.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local golden, rss = dofile(here .. "golden.lua"), dofile(here .. "rss.lua")
local xai = require "xai"

test("10 000 passes of SqueezeNet grow the process by less than 1 MB", function(t)
  local net = xai.load(golden.path "models/squeezenet1.1.onnx", { preprocess = "caffe" })
  local x = net:prepare(xai.image(golden.path "images/cat_dog.png"))
  local grown = rss.growth(5000, function()
    net:logits(x)
    xai.gradcam(net, x, { target = 243 })
  end)
  print(("# grew by %d KB"):format(grown))
  t.ok(grown < 1024, ("grew by %d KB"):format(grown))
end)

done()
