-- The networks inside the program are as good as they are said to be, on scenes that no training has seen.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local xai = require "xai"
local summary = require "xai.score.shared".summary

local function scenes(t, options)
  if os.getenv "XAI_SANITIZE" == "ON" then t.skip "thousands of passes: minutes under sanitizers, which learn nothing new from them" end
  local good, set = pcall(xai.scenes, options)
  if not good then t.skip(set) end
  return set
end

--- Grad-CAM of each object of some scenes: does it point at that object, does it point at the other one? Lists of 0 and 1.
local function pointing(net, set, first, last)
  local right, wrong = {}, {}
  for i = first, last do
    local scene = set[i]
    local x = net:prepare(scene.image)
    for k, object in ipairs(scene.objects) do
      local e = xai.gradcam(net, x, { target = object.class })
      right[#right + 1] = xai.score.pointing(e, object)
      wrong[#wrong + 1] = xai.score.pointing(e, scene.objects[3 - k])
    end
  end
  return right, wrong
end

local function say(what, share) return ("%s: %.1f %%"):format(what, 100 * share) end

local PARAMS = { default = 1379224, ["default-gap"] = 431544 }

--- The least that n draws of a share may come to: three standard errors below it.
local function least(share, n) return share - 3 * math.sqrt(share * (1 - share) / n) end

for name, params in pairs(PARAMS) do
  test(name .. ": its size and its labels", function(t)
    local net = xai.model(name)
    t.eq(net:params(), params)
    t.eq(net.labels, xai.scenes.classes())
  end)

  test(name .. ": right on 99 % of fresh scenes of one object", function(t)
    local r = xai.score.accuracy(xai.model(name), scenes(t, { seed = 4242, count = 600 }))
    t.ok(r.mean >= least(0.99, 600), say("right", r.mean))
  end)

  test(name .. ": of two objects both are the most probable classes in 90 % of 400 scenes", function(t)
    local set = scenes(t, { seed = 4243, objects = 2, count = 400 })
    local r = xai.score.accuracy(xai.model(name), set, { top = 2, all = true })
    t.ok(r.mean >= 0.9, say("both", r.mean))
  end)

  test(name .. ": Grad-CAM's maximum lies in the right one of two boxes in 97 % of scenes", function(t)
    local right = summary((pointing(xai.model(name), scenes(t, { seed = 4243, objects = 2, count = 400 }), 1, 400)))
    t.ok(right.mean >= least(0.97, 800), say("right", right.mean))
  end)

  -- Ten networks, each asked about eight scenes of its own. Their shares of hits spread by chance and because each looks at
  -- something else; the spread gives the standard error of their mean. A random map hits a box with the share of the picture that
  -- the box has. Which of two objects is asked for makes no difference to a network that has not learnt what they are.
  test(name .. ": with random weights Grad-CAM points by chance", function(t)
    local NETWORKS, SCENES, seed = 10, 8, xai.seed()
    local net, set = xai.model(name), scenes(t, { seed = 4244, objects = 2, count = 80 })
    local weights, boxes, hits, differences = {}, {}, {}, {}
    for _, layer in ipairs(net:layers()) do weights[layer.name] = layer.params > 0 and "random" or nil end
    for k = 1, NETWORKS do
      xai.seed(k)
      local first = (k - 1) * SCENES + 1
      local right, wrong = pointing(net:with { weights = weights }, set, first, first + SCENES - 1)
      hits[k] = summary(right).mean
      differences[k] = hits[k] - summary(wrong).mean
      for i = first, first + SCENES - 1 do
        for _, object in ipairs(set[i].objects) do boxes[#boxes + 1] = object.box.w * object.box.h / 96 ^ 2 end
      end
    end
    xai.seed(seed)
    local hit, difference, chance = summary(hits), summary(differences), summary(boxes).mean
    t.ok(math.abs(hit.mean - chance) <= 3 * hit.se, say("hits", hit.mean) .. say(", by chance", chance))
    t.ok(math.abs(difference.mean) <= 3 * difference.se, say("more than at the other", difference.mean))
  end)
end

test("pictures inside of the program are found from anywhere, and a file comes first", function(t)
  local img = xai.image "examples/images/cat_dog.png"
  t.eq({ img.width, img.height }, { 224, 224 })
  local found = {}
  for k, guess in ipairs(xai.model("default"):predict(img, 2)) do found[k] = guess.label end
  table.sort(found)
  t.eq(found, { "cat", "dog" })
  t.fails(function() xai.image "examples/images/cat_cog.png" end, "no such file")
  t.fails(function() xai.model "defualt" end, "did you mean 'default'?")
end)

done()
