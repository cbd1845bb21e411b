-- xai.facts: how a picture was made, for the text inside and beside its file: what a stranger needs to make it again.
local core = require "xai.core"
local json = require "xai.json"

local facts = {}

local hashes = setmetatable({}, { __mode = "k" })

--- A network by where it came from and by what it is; views with other weights have another hash.
function facts.of_net(net)
  hashes[net] = hashes[net] or net:hash()
  return { path = net.path, hash = hashes[net], input = tostring(net.input), preprocess = net.preprocess }
end

--- What made an explanation: method, its constants, what it explains, seed and network. The network stays an object until
--- it is written: its hash takes a look at every weight.
function facts.of(e)
  local options = {}
  for key, value in pairs(e.options) do options[key] = value end
  return { method = e.method, target = e.target, label = e.label, class = e.class, p = e.p, layer = e.layer ~= "" and e.layer or nil,
    unit = e.unit, options = options, seed = core.seed(), net = e.net }
end

local function resolved(f)
  local copy = {}
  for key, value in pairs(f or {}) do copy[key] = value end
  copy.net, copy.network = nil, f and f.net and facts.of_net(f.net) or nil
  return copy
end

--- JSON of a figure: { title=, cells = { { caption=, facts=, cmap=, lo=, hi=, unit= }, ... } }
function facts.text(figure)
  local cells = {}
  for i, cell in ipairs(figure.cells) do
    local made = resolved(cell.facts)
    made.caption, made.cmap = cell.caption, cell.cmap
    made.scale = cell.lo and { cell.lo, cell.hi } or nil
    cells[i] = made
  end
  return json { program = "xairun " .. core.version, title = figure.title, seed = core.seed(), cells = cells }
end

--- UTF-8 without control characters, for titles in files.
function facts.plain(text)
  if not utf8.len(text) then text = text:gsub("[\128-\255]", "?") end
  return (text:gsub("%c", " "))
end

--- The text chunks of a PNG.
function facts.notes(title, text)
  local notes = { { "Software", "xairun " .. core.version }, { "xairun", text } }
  if title and title ~= "" then table.insert(notes, 1, { "Title", facts.plain(title) }) end
  return notes
end

return facts
