-- The real ImageNet SqueezeNet on the picture of the Grad-CAM paper, against float64 references.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local golden = dofile((arg[0]:gsub("[^/]*$", "")) .. "golden.lua")
local xai = require "xai"

local picture = golden.path "images/cat_dog.png"
local labels = golden.path "models/imagenet_labels.txt"
local layer = "fire9/concat"

local function load(name) return xai.load(golden.path("models/" .. name), { preprocess = "caffe", labels = labels }) end

for id, file in pairs { [243] = "cat_dog_243_bull_mastiff", [282] = "cat_dog_282_tiger_cat" } do
  local name = "squeezenet/" .. id .. " "

  test(name .. "logits, probabilities and activations", function(t)
    local net, want = load "squeezenet1.1.onnx", xai.read(golden.path("golden/squeezenet/" .. file .. ".safetensors"))
    local x = net:prepare(xai.image(picture))
    golden.close(t, "logits", net:logits(x), want.logits, 5e-6)
    golden.close(t, "probabilities", net:forward(x), want.probs, 2e-5)
    golden.close(t, "fire9", net:forward(x, layer), want["act.fire9_concat"], 2e-5)
    golden.close(t, "pool1", net:forward(x, "pool1"):channels(1, 8), want["act.pool1"], 2e-5)
    golden.close(t, "conv10", net:forward(x, "conv10_1"):channel(id + 1), want["act.conv10_class"], 2e-5)
  end)

  test(name .. "gradients under the three rules", function(t)
    local net, want = load "squeezenet1.1.onnx", xai.read(golden.path("golden/squeezenet/" .. file .. ".safetensors"))
    local x = net:prepare(xai.image(picture))
    local s = xai.saliency(net, x, { target = id })
    golden.close(t, "gradient", s.gradient, want.data_gradient, 1e-4)
    golden.close(t, "saliency", s.values, want.saliency, 1e-4)
    golden.close(t, "guided", xai.guided_backprop(net, x, { target = id }).values, want.guided_backprop, 1e-4)
    golden.close(t, "deconvnet", xai.deconvnet(net, x, { target = id }).values, want.deconvnet, 1e-4)
    golden.close(t, "input x gradient", xai.input_x_gradient(net, x, { target = id }).values, want.input_x_gradient, 1e-4)
    golden.close(t, "guided view", xai.saliency(net:with { relu = "guided" }, x, { target = id }).gradient, want.guided_backprop, 1e-4)
    local run = net:run(x)
    golden.close(t, "layer gradient", run:backward { target = id, to = layer }, want.layer_gradient, 1e-4)
    golden.close(t, "layer gradient x activation", run:backward { target = id, to = layer } * run:get(layer),
      want.layer_gradient_x_activation:reshape(1, 512, 13, 13), 1e-4)
  end)

  test(name .. "integrated gradients, and the score that they add up to", function(t)
    local net, want = load "squeezenet1.1.onnx", xai.read(golden.path("golden/squeezenet/" .. file .. ".safetensors"))
    local x = net:prepare(xai.image(picture))
    local e = xai.integrated_gradients(net, x, { target = id })
    -- of fifty pictures some have a rectifier or a maximum within rounding of its bend
    golden.close(t, "values", e.values, want.integrated_gradients_50_gausslegendre_zero, 3e-4)
    t.near(e.difference, net:logits(x):get(1, id + 1) - net:logits(xai.zeros(1, 3, 224, 224)):get(1, id + 1), 1e-4)
    t.near(e.values:sum(), e.difference + e.delta, 1e-3)
    t.ok(math.abs(e.delta) < 0.02 * math.abs(e.difference), ("delta %g of %g"):format(e.delta, e.difference))
  end)

  test(name .. "SmoothGrad without noise is the gradient, VarGrad nothing", function(t)
    local net, want = load "squeezenet1.1.onnx", xai.read(golden.path("golden/squeezenet/" .. file .. ".safetensors"))
    local x = net:prepare(xai.image(picture))
    golden.close(t, "mean", xai.smoothgrad(net, x, { target = id, samples = 3, sigma = 0 }).values, want.data_gradient, 1e-4)
    t.eq(xai.smoothgrad(net, x, { target = id, samples = 3, sigma = 0, statistic = "variance" }).values:max(), 0)
  end)

  test(name .. "Grad-CAM and its counterfactual", function(t)
    local net, want = load "squeezenet1.1.onnx", xai.read(golden.path("golden/squeezenet/" .. file .. ".safetensors"))
    local x = net:prepare(xai.image(picture))
    local e = xai.gradcam(net, x, { target = id, layer = layer })
    golden.close(t, "raw", e.raw, want.gradcam_raw, 1e-4)
    golden.close(t, "relu", e.values, want.gradcam_raw:clamp(0, math.huge), 1e-4)
    golden.close(t, "counterfactual", xai.gradcam(net, x, { target = id, layer = layer, counterfactual = true }).values,
      want.gradcam_counterfactual_raw, 1e-4)
    -- the peer shows relu, bilinear to the input, min-max scaled, in float32
    local map = e:map()
    golden.close(t, "map", (map - map:min()) * (1 / (map:max() - map:min())), want.peer_gradcam_224, 1e-3)
  end)

  test(name .. "the CAM family", function(t)
    local net, want = load "squeezenet1.1.onnx", xai.read(golden.path("golden/squeezenet/" .. file .. ".safetensors"))
    local x = net:prepare(xai.image(picture))
    local run, what = net:run(x), { target = id, layer = layer }
    local plain = xai.gradcam(net, run, what)
    golden.close(t, "Grad-CAM from a run", plain.raw, want.gradcam_raw, 1e-4)
    golden.close(t, "its counterfactual", plain:counterfactual().values, want.gradcam_counterfactual_raw, 1e-4)
    golden.close(t, "HiResCAM", xai.hirescam(net, x, what).values, want.hirescam_raw, 1e-4)
    golden.close(t, "LayerCAM", xai.layercam(net, x, what).values, want.layercam_raw, 1e-4)
    golden.close(t, "XGrad-CAM", xai.xgradcam(net, x, { target = id, layer = layer, eps = 1e-7 }).values, want.xgradcam_raw, 1e-4)
    local pp = xai.gradcampp(net, x, { target = id, layer = layer, eps = 1e-6 })
    golden.close(t, "Grad-CAM++", pp.values, want["gradcampp_raw_eps1e-6"], 1e-4)
    golden.close(t, "Guided Grad-CAM", xai.guided_gradcam(net, x, what).values, want.guided_gradcam, 1e-4)
  end)

  test(name .. "the CAM family as another program draws it", function(t)
    local net, want = load "squeezenet1.1.onnx", xai.read(golden.path("golden/squeezenet/" .. file .. ".safetensors"))
    local x = net:prepare(xai.image(picture))
    --- Bilinear to the input, min-max scaled, in float32.
    local function same(title, e, map)
      local m = e:map()
      golden.close(t, title, (m - m:min()) * (1 / (m:max() - m:min())), map, 1e-3)
    end
    same("Grad-CAM++", xai.gradcampp(net, x, { target = id, layer = layer, eps = 1e-6 }), want.peer_gradcampp_224)
    same("LayerCAM", xai.layercam(net, x, { target = id, layer = layer }), want.peer_layercam_224)
    same("Eigen-CAM", xai.eigencam(net, x, { layer = layer }), want.peer_eigencam_224)
    same("Score-CAM", xai.scorecam(net, x, { target = id, layer = layer, corners = true }), want.peer_scorecam_224)
    same("Ablation-CAM", xai.ablationcam(net, x, { target = id, layer = layer }), want.peer_ablationcam_224)
  end)

  test(name .. "FullGrad's shares sum to the score", function(t)
    local net = load "squeezenet1.1.onnx"
    local x = net:prepare(xai.image(picture))
    local e = xai.fullgrad(net, x, { target = id })
    t.eq(e.layers, 26) -- convolutions, all with biases
    t.ok(math.abs(e.delta) < 1e-4 * math.abs(net:logits(x):get(1, id + 1)), e.delta)
  end)

  test(name .. "CAM is the class map, whose rectified values are averaged", function(t)
    local net, want = load "squeezenet1.1.onnx", xai.read(golden.path("golden/squeezenet/" .. file .. ".safetensors"))
    local e = xai.cam(net, xai.image(picture), { target = id })
    golden.close(t, "map", e.values, want["act.conv10_class"]:clamp(0), 2e-5)
  end)

  test(name .. "occlusion, logit and probability", function(t)
    local net, want = load "squeezenet1.1.onnx", xai.read(golden.path("golden/squeezenet/" .. file .. ".safetensors"))
    local x = net:prepare(xai.image(picture))
    golden.close(t, "logit", xai.occlusion(net, x, { target = id, window = 32, stride = 16 }).values, want.occlusion_logit_w32_s16_zero, 1e-4)
    golden.close(t, "probability", xai.occlusion(net, x, { target = id, window = 32, stride = 8, score = "prob" }).values,
      want.occlusion_prob_w32_s8_zero, 1e-4)
  end)
end

test("Grad-CAM beats chance: without its pixels the class goes sooner, with them it comes sooner", function(t)
  local net = load "squeezenet1.1.onnx"
  local x = net:prepare(xai.image(picture))
  local e, chance = xai.gradcam(net, x, { target = 243, layer = layer }), xai.randn(224, 224)
  local options = { class = 243, step = 1792 } -- 28 steps
  t.ok(xai.score.deletion(net, x, e, options).auc < xai.score.deletion(net, x, chance, options).auc)
  t.ok(xai.score.insertion(net, x, e, options).auc > xai.score.insertion(net, x, chance, options).auc)
end)

test("the ranking says bull mastiff 0.616, boxer 0.371, and half precision the same to three digits", function(t)
  for _, file in ipairs { "squeezenet1.1.onnx", "squeezenet1.1-fp16.onnx" } do
    local top = load(file):predict(xai.image(picture), 2)
    t.eq(top[1].label, "bull mastiff")
    t.eq(("%.3f"):format(top[1].p), "0.616")
    t.eq(top[2].label, "boxer")
    t.eq(("%.3f"):format(top[2].p), "0.371")
  end
end)

test("the same weights from a PyTorch checkpoint, in the zoo's network, give the same logits and gradient", function(t)
  local net = xai.zoo.squeezenet1_1 { weights = golden.path "models/squeezenet1_1_caffe_imagenet.pth", preprocess = "caffe" }
  local want = xai.read(golden.path "golden/squeezenet/cat_dog_243_bull_mastiff.safetensors")
  local x = net:prepare(xai.image(picture))
  golden.close(t, "logits", net:logits(x), want.logits, 5e-6)
  golden.close(t, "gradient", xai.saliency(net, x, { target = 243 }).gradient, want.data_gradient, 1e-4)
end)

test("one, two and four threads give the same bits, and so does any batch", function(t)
  local threads = xai.threads()
  local function results(n)
    xai.threads(n)
    local net = load "squeezenet1.1.onnx"
    local x = net:prepare(xai.image(picture))
    return { net:logits(x), xai.saliency(net, x).gradient, xai.gradcam(net, x).raw,
      xai.occlusion(net, x, { window = 64, stride = 40, batch = n }).values,
      xai.smoothgrad(net, x, { samples = 4, seed = 1, batch = n }).values,
      xai.integrated_gradients(net, x, { steps = 4, batch = n }).values }
  end
  local one = results(1)
  for _, n in ipairs { 2, 4 } do
    for i, r in ipairs(results(n)) do t.eq((r - one[i]):abs():max(), 0, ("result %d with %d threads"):format(i, n)) end
  end
  xai.threads(threads)
end)

test("Grad-CAM for 'tiger cat' lies on the cat, for 'bull mastiff' on the dog", function(t)
  -- by eye: the dog's head is at x 80..140, y 15..75 of 224, the cat from x 45 to 205, y 125 to 224
  local net, img = load "squeezenet1.1.onnx", xai.image(picture)
  local function peak(class)
    local row, col = xai.gradcam(net, img, { target = class }):map():argmax()
    return col, row
  end
  local x, y = peak "tiger cat"
  t.ok(x > 45 and x < 205 and y > 125, ("cat: peak at %d, %d"):format(x, y))
  x, y = peak "bull mastiff"
  t.ok(x > 80 and x < 140 and y > 15 and y < 75, ("dog: peak at %d, %d"):format(x, y))
end)

done()
