-- filters: what do the filters of a layer look like, and what is each of them?
--
--   smooth, oriented   as xai.score.filters measures them: neighbours alike; a spectrum with a direction
--   Gabor fit          exp(-a^2 / 2 along^2 - b^2 / 2 across^2) cos(2 pi frequency a + phase), an amplitude and offset per colour
--
-- A table of all filters, the clearest first, and a picture: colour tiles where the layer sees colours, otherwise a row of
-- grey tiles per filter, one for each input channel.
local xai = require "xai"
local args = xai.args { "What do the filters of a layer look like, and what is each of them?", "layer",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "a convolution; the first one if absent" },
  scale = { "each", "each tile from black to white, a row of tiles, or all in common: each, row or common" },
  filters = { nil, "how many filters are drawn; all that look at colours, or 20, if absent" },
  channels = { nil, "how many input channels are drawn where these are no colours; 16 if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none: it says in which order the colours come" } }

local net = xai.model(args.model, { preprocess = args.preprocess })
local f = xai.filters(net, { layer = args.layer })
local shown = { scale = args.scale, filters = args.filters, channels = args.channels }

print(f:look())
xai.sheet { title = "Filters of " .. f.layer, cell = 1000, { f:picture(shown), f:caption(shown) } }:save "filters.png"
