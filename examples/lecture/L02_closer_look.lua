-- L2: a closer look at the first layer: some filters beside their amplitude spectra (frequency 0 in the middle). An edge has two
-- spots, in the direction in which its wave runs, and is nearly a Gabor function; a blob of colour has all near the middle.
local xai = require "xai"
local args = xai.args { "First-layer filters enlarged beside their spectra: oriented ones and blobs of colour.",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "another convolution" },
  count = { 4, "how many of each kind" },
  image = { nil, "accepted and not used: filters are the same for every picture" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none: it says in which order the colours come" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local f = xai.filters(net, { layer = args.layer })
local looks = f:look()
print(looks)

local function spectrum(look) return { look.spectrum, cmap = "grey", bar = false, smooth = true } end
local function fit(look) return { look.gabor.values, ("residual %.0f %%"):format(100 * look.gabor.residual) } end
local function filter(look) return { f[look.index], look:caption() } end

local columns = {} -- title, whose, what is drawn
if looks.oriented[1] then
  columns = { { "oriented", looks.oriented, filter }, { "spectrum", looks.oriented, spectrum } }
  if looks.oriented[1].gabor then columns[3] = { "Gabor function", looks.oriented, fit } end
end
if looks.blobs[1] then table.move({ { "blob of colour", looks.blobs, filter }, { "spectrum", looks.blobs, spectrum } }, 1, 2, #columns + 1, columns) end

local cells = { cols = {}, title = ("%s: of %d filters %d are oriented, %d are blobs of colour"):format(f.layer, #f, #looks.oriented, #looks.blobs) }
for i = 1, math.min(args.count, math.max(#looks.oriented, #looks.blobs)) do
  for k, column in ipairs(columns) do
    cells.cols[k] = column[1]
    cells[#cells + 1] = column[2][i] and column[3](column[2][i]) or false
  end
end
if #cells > 0 then xai.sheet(cells):save "L02_closer_look.png" end
