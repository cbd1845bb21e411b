-- xai.score.network: what does the network make of the pixels that a map calls relevant?
local core = require "xai.core"
local batch_of = require "xai.batch"
local shared = require "xai.score.shared"
local native = core.score
local fail, options_of, map_of, OPEN, open = shared.fail, shared.options, shared.map, shared.OPEN, shared.open
local is_explanation, input_of = shared.is_explanation, shared.input

local network = {}

local function class_of(name, net, e, class)
  if type(class) == "string" then return net:class(class) end
  class = class or (is_explanation(e) and e.class)
  if not class then fail(name, "class: the map says of none, so name one") end
  if math.type(class) ~= "integer" or class < 0 or class >= net.classes then
    fail(name, "class: expected an id from 0 to %d or a label, got %s", net.classes - 1, class)
  end
  return class
end

--- The class's probability, or its logit, for every picture of the batch, which is freed.
local function ask(net, batch, class, what)
  local list = native.answers(net, net:logits(batch), class, what == "prob")
  batch:free()
  return list
end

local function check_what(name, what)
  if what ~= "prob" and what ~= "logit" then fail(name, "score: expected prob or logit, got '%s'", what) end
  return what
end

--- Scores of the pictures make(first, n), for first = 0, n, 2n, ... up to 'count' of them, batch by batch.
local function ask_many(name, net, o, class, count, make)
  local list, most = {}, o.batch > 0 and o.batch or batch_of(net, 32)
  local batch = -(-count // -(-count // most)) -- passes of one size, as far as that goes
  for first = 0, count - 1, batch do
    local values = ask(net, make(first, math.min(batch, count - first)), class, check_what(name, o.score))
    table.move(values, 1, #values, #list + 1, list)
  end
  return list
end

--- Pixels of 'from' become those of 'to', the most relevant first; the class's score after every step.
-- The area is the trapezoids' under the scores over the share of pixels: 0 to 1.
local function curve(name, net, e, from, to, o)
  local class = class_of(name, net, e, open(o, "class"))
  local shape = from:shape()
  local pixels = shape[3] * shape[4]
  local order, step = native.order(map_of(name, e, shape[3], shape[4])), o.step > 0 and o.step or shape[4]
  local steps = -(-pixels // step)
  local values = ask_many(name, net, o, class, steps + 1, function(first, n)
    return native.mix(from, to, order, step, first, n)
  end)
  local shares, area = {}, 0
  for i = 0, steps do
    shares[i + 1] = math.min(i * step, pixels) / pixels
    if i > 0 then area = area + (shares[i + 1] - shares[i]) * (values[i] + values[i + 1]) / 2 end
  end
  return { auc = area, curve = values, shares = shares }
end

--- Deletion (Petsiuk et al. 2018): pixels are set to 'fill' (network units; 0 is the mean colour of the usual
--- preprocessing), the most relevant first, 'step' at a time (0: as many as the picture is wide: 224 of 224 x 224).
--- { auc =, curve = {score, ...}, shares = {of the pixels, ...} }; small is good.
function network.deletion(net, x, e, options)
  local o = options_of("deletion", options, { step = 0, fill = 0.0, class = OPEN, score = "prob", batch = 0 },
    { fill = -math.huge })
  x = input_of(net, x)
  return curve("deletion", net, e, x, x * 0 + o.fill, o)
end

--- Insertion (Petsiuk et al. 2018): the same from a blurred picture (Gaussian of 'size' x 'size' pixels with deviation
--- 'sigma') to the true one; large is good.
function network.insertion(net, x, e, options)
  local o = options_of("insertion", options, { step = 0, size = 11, sigma = 5.0, class = OPEN, score = "prob", batch = 0 })
  x = input_of(net, x)
  return curve("insertion", net, e, native.blur(x, o.size, o.sigma), x, o)
end

--- Average drop (Chattopadhay et al. 2018), of one picture: max(0, Y - O) / Y with Y the class's probability, O that of the
--- picture times the map (scaled to 0 .. 1); then O and Y. A share, so the papers' per cent are 100 times this. keep: only
--- that share of the pixels, the most relevant, is not hidden (Score-CAM: 0.5).
function network.drop(net, x, e, options)
  local o = options_of("drop", options, { keep = 1.0, class = OPEN, score = "prob" })
  if o.keep > 1 then fail("drop", "keep: expected a share, 0 to 1, got %s", o.keep) end
  x = input_of(net, x)
  local class, shape = class_of("drop", net, e, open(o, "class")), x:shape()
  local map = map_of("drop", e, shape[3], shape[4])
  local seen = native.weigh(x, map, native.order(map), math.ceil(o.keep * shape[3] * shape[4]))
  local y, kept = ask(net, x:copy(), class, check_what("drop", o.score))[1], ask(net, seen, class, o.score)[1]
  return math.max(0, y - kept) / y, kept, y
end

--- Increase in confidence (Chattopadhay et al. 2018), of one picture: 1 when the picture times the map has a higher
--- probability than the picture, else 0. Options as for drop.
function network.increase(net, x, e, options)
  local _, kept, y = network.drop(net, x, e, options)
  return kept > y and 1 or 0
end

--- Infidelity (Yeh et al. 2019): mean of (I . phi - (f(x) - f(x - I)))^2 over 'samples' normal I of deviation 'sigma', a share
--- of the range of x; then beta = mean of (I . phi) (f(x) - f(x - I)) / mean of (I . phi)^2, with which phi is scaled first when
--- normalise is set (for maps that are in other units than the score). f is the logit. phi is the explanation's values
--- where they have the shape of x, otherwise the map, which then counts for each channel.
function network.infidelity(net, x, e, options)
  local o = options_of("infidelity", options, { samples = 10, sigma = 0.003, normalise = false, seed = core.seed(),
    class = OPEN, score = "logit", batch = 0 }, { samples = 1 })
  x = input_of(net, x)
  local class, shape = class_of("infidelity", net, e, open(o, "class")), x:shape()
  local own = is_explanation(e) and e.values:shape() or {}
  local phi = #own == 3 and own[1] == shape[2] and own[2] == shape[3] and own[3] == shape[4] and e.values
    or map_of("infidelity", e, shape[3], shape[4])
  local clean, products = ask(net, x:copy(), class, check_what("infidelity", o.score))[1], {}
  local values = ask_many("infidelity", net, o, class, o.samples, function(first, n)
    local moved = native.noise(x, o.seed, first, n, "normal", o.sigma * (x:max() - x:min()))
    for _, product in ipairs(native.dots(x, moved, phi)) do products[#products + 1] = product end
    return moved
  end)
  local cross, square, sum = 0, 0, 0
  for i, product in ipairs(products) do
    cross, square = cross + product * (clean - values[i]), square + product * product
  end
  local beta = square > 0 and cross / square or 0
  for i, product in ipairs(products) do sum = sum + ((o.normalise and beta or 1) * product - (clean - values[i])) ^ 2 end
  return sum / #products, beta
end

return network
