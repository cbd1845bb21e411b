-- golden.lua: reference numbers that others computed, and how close is close.
-- They lie beside the project and are not part of it. Where they are absent a test says so and is skipped.
local xai = require "xai"
local golden = {}

golden.root = os.getenv "XAI_SHARED" or "../shared"

function golden.path(name) return golden.root .. "/" .. name end

local readme = io.open(golden.path "golden/README.md")
if not readme then
  print("SKIP: no reference numbers here: there is no " .. golden.root)
  os.exit(77, true)
end
readme:close()

-- | got - want | / | want |
function golden.error(got, want) return (got - want):norm() / want:norm() end

function golden.cosine(a, b) return (a * b):sum() / (a:norm() * b:norm()) end

-- Checks a tensor against a reference of the same elements in any shape; the message says by how much it missed.
function golden.close(t, name, got, want, tolerance)
  got = got:reshape(table.unpack(want:shape()))
  local e = golden.error(got, want)
  t.ok(e <= tolerance, ("%s: relative error %.2g, at most %.2g allowed"):format(name, e, tolerance))
  t.ok(golden.cosine(got, want) >= 0.9998, name .. ": cosine below 0.9998")
end

return golden
