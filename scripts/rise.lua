-- rise: the mean of random masks, each weighed by the probability of what it lets through.
--
--   M = 1 / (n p) sum over masks m of p_class(x * m) m
--
-- Petsiuk, Das, Saenko 2018, "RISE: Randomized Input Sampling for Explanation of Black-box Models", eq. 6. The masks are those of
-- --seed. --normalise masks divides by the sum of the masks at every pixel, which leaves out where they happened to lie.
local xai = require "xai"
local args = xai.args { "What must be seen for the class to be recognised? Random masks, any network.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  masks = { 4000, "how many" },
  cells = { 7, "cells of a mask along each side" },
  p = { 0.5, "probability that a cell is seen" },
  normalise = { "expected", "expected: by n p; masks: by the sum of the masks" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.rise(net, img, { target = args.class, masks = args.masks, cells = args.cells, p = args.p, normalise = args.normalise })

xai.sheet { title = ("RISE: %d masks"):format(args.masks), { img, "input" },
  { e:over(img, 0.5, { scale = { e.values:min(), e.values:max() } }), e:caption() } }:save "rise.png"
