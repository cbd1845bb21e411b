-- Ten thousand times the same leaves no trace in the process's memory.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny, rss = dofile(here .. "tiny.lua"), dofile(here .. "rss.lua")
local xai = require "xai"

test("10 000 forward passes and explanations grow the process by less than 1 MB", function(t)
  if not rss.kilobytes() then t.skip "there is no /proc here" end
  if os.getenv "XAI_SANITIZE" == "ON" then t.skip "sanitizers hold freed memory back" end
  local net, x = tiny.load(), tiny.x()
  local view = net:with { relu = "guided", hooks = { pool1 = function() end } }
  local grown = rss.growth(10000, function()
    net:logits(x)
    xai.gradcam(net, x, { target = 1 })
    xai.saliency(view, x)
  end)
  t.ok(grown < 1024, ("grew by %d KB"):format(grown))
end)

test("1000 networks loaded and dropped grow it by less than 1 MB", function(t)
  if not rss.kilobytes() then t.skip "there is no /proc here" end
  if os.getenv "XAI_SANITIZE" == "ON" then t.skip "sanitizers hold freed memory back" end
  local x = tiny.x()
  local grown = rss.growth(1000, function() tiny.load():predict(x, 1) end)
  t.ok(grown < 1024, ("grew by %d KB"):format(grown))
end)

done()
