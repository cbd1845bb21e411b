-- How many pictures make a pass: many share the reading of the weights, but large activations should stay few.

--- So many that the two largest layers of the network take some 96 MB, from 1 to 'most'.
return function(net, most)
  local largest = 1
  for _, layer in ipairs(net:layers()) do
    local size = 1
    for _, side in ipairs(layer.shape or {}) do size = size * math.max(1, side) end
    largest = math.max(largest, size)
  end
  return math.max(1, math.min(most, (96 << 20) // (8 * largest)))
end
