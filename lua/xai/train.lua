-- xai.train
local core = require "xai.core"
local function trainer(net, options) return core.trainer(net, options) end
return { trainer = trainer }
