-- xai.score.place: does a map lie where the object is? Is it concentrated, is it like another?
local core = require "xai.core"
local shared = require "xai.score.shared"
local native = core.score
local fail, options_of, map_of, against = shared.fail, shared.options, shared.map, shared.against
local is_explanation, is_box, collect = shared.is_explanation, shared.is_box, shared.collect

local place = {}

--- Pointing game (Zhang et al. 2016): 1 when the map's maximum lies in the region, else 0. tolerance: also when it lies
--- nearer than that many pixels (15 in the paper, on pictures of some 400). region: box or mask. smooth: the map is blurred
--- first with that deviation, a share of the longer side (0.02 is usual for gradients).
function place.pointing(e, truth, options)
  local o = options_of("pointing", options, { tolerance = 0.0, region = "box", smooth = 0.0 })
  local map, region = against("pointing", e, truth, o.region)
  if o.smooth > 0 then
    local sigma = o.smooth * math.max(map:shape()[1], map:shape()[2])
    map = native.blur(map, 2 * math.ceil(3 * sigma) + 1, sigma)
  end
  return native.hits(map, region, o.tolerance) and 1 or 0
end

--- Intersection over union of two boxes.
local function overlap(a, b)
  local w = math.min(a.x + a.w, b.x + b.w) - math.max(a.x, b.x)
  local h = math.min(a.y + a.h, b.y + b.h) - math.max(a.y, b.y)
  local both = math.max(0, w) * math.max(0, h)
  return both / (a.w * a.h + b.w * b.h - both)
end

--- IoU of the map's box (or of a box) with the truth's, the best where it has several; and the map's box. The box is that of
--- the largest region above threshold times the maximum: 0.2 (Zhou et al. 2016), 0.15 for Grad-CAM (Selvaraju et al. 2017).
function place.iou(e, truth, options)
  local usual = is_explanation(e) and e.method == "gradcam" and 0.15 or 0.2
  local o = options_of("iou", options, { threshold = usual })
  local box, best = is_box(e) and e, 0
  if not box then
    local size = type(truth) == "table" and truth or {}
    box = core.boxes(map_of("iou", e, size.height, size.width), o.threshold)[1]
  end
  for _, item in ipairs(collect("iou", truth, "box", {})) do
    if not is_box(item) then fail("iou", "expected a box, got a mask") end
    if box then best = math.max(best, overlap(box, item)) end
  end
  return best, box or nil
end

--- Localization error: 0 when the map's box has an IoU of at least 'overlap' with the truth's, else 1. The class is taken as
--- known; with top = k it must also be among the network's k most probable ones (ILSVRC: 1 or 5).
function place.localization_error(e, truth, options)
  local usual = is_explanation(e) and e.method == "gradcam" and 0.15 or 0.2
  local o = options_of("localization_error", options, { threshold = usual, overlap = 0.5, top = 0 })
  local known = o.top == 0
  if not known and not (is_explanation(e) and e.net and e.class) then
    fail("localization_error", "top: expected the explanation of a class")
  end
  for _, guess in ipairs(known and {} or e.net:predict(e.x, o.top)) do known = known or guess.id == e.class end
  return known and place.iou(e, truth, { threshold = o.threshold }) >= o.overlap and 0 or 1
end

--- Relevance mass (Arras et al. 2022): which share of the positive values lies in the region.
function place.mass(e, truth, options)
  local o = options_of("mass", options, { region = "mask" })
  return native.mass(against("mass", e, truth, o.region))
end

--- Relevance rank (Arras et al. 2022): of the K largest values, the share in the region, which has K pixels.
function place.rank(e, truth, options)
  local o = options_of("rank", options, { region = "mask" })
  return native.rank(against("rank", e, truth, o.region))
end

--- Places of a map, in its own resolution, that none of the eight neighbours exceeds and that reach a share of the maximum: a list
--- of { x =, y =, value = } in pixels of a picture of that size, in reading order.
local function tops(name, e, share, height, width)
  local own = is_explanation(e) and e.values or e
  local shape = core.is_tensor(own) and own:shape() or {}
  local map = map_of(name, e, shape[#shape - 1], shape[#shape])
  local rows, most, list = map:totable(), map:max(), {}
  local h, w = #rows, #rows[1]
  local function exceeded(y, x)
    for v = math.max(1, y - 1), math.min(h, y + 1) do
      for u = math.max(1, x - 1), math.min(w, x + 1) do if rows[v][u] > rows[y][x] then return true end end
    end
  end
  for y = 1, h do
    for x = 1, w do
      local value = rows[y][x]
      if value > 0 and value >= share * most and not exceeded(y, x) then
        list[#list + 1] = { x = math.ceil((x - 0.5) * width / w), y = math.ceil((y - 0.5) * height / h), value = value }
      end
    end
  end
  return list
end

--- Is the pixel one of the object's?
local function on(item, x, y)
  if core.is_tensor(item) then return item:get(y, x) ~= 0 end
  return x >= item.x and x < item.x + item.w and y >= item.y and y < item.y + item.h
end

--- Several things of one class: which share of them has a peak of the map, a place that no neighbour exceeds and that reaches
--- 'share' of the maximum? Then: which share of the peaks lies on one of them (a noisy map has peaks everywhere, and so on all of
--- them); and the peaks, { x =, y =, value =, object = number or nil }.
function place.instances(e, truth, options)
  local o = options_of("instances", options, { share = 0.5, region = "mask" })
  local _, region = against("instances", e, truth, o.region)
  local items = collect("instances", truth, o.region, {})
  local peaks, found, hits, number = tops("instances", e, o.share, region:shape()[1], region:shape()[2]), {}, 0, 0
  for _, peak in ipairs(peaks) do
    for k, item in ipairs(items) do
      if on(item, peak.x, peak.y) then
        peak.object = peak.object or k
        if not found[k] then found[k], number = true, number + 1 end
      end
    end
    if peak.object then hits = hits + 1 end
  end
  return number / #items, #peaks > 0 and hits / #peaks or 0, peaks
end

--- Sparseness (Chalasani et al. 2020): Gini index of |map|: 0 flat, towards 1 the fewer pixels have it all.
function place.sparseness(e, options)
  options_of("sparseness", options, {})
  return native.gini(map_of("sparseness", e))
end

--- Spearman's rank correlation and structural similarity of two maps of one size.
function place.spearman(a, b) return native.spearman(map_of("spearman", a), map_of("spearman", b)) end
function place.ssim(a, b) return native.ssim(map_of("ssim", a), map_of("ssim", b)) end

return place
