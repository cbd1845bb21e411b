/* xai/lua.h: xairun's Lua library for other hosts. Link with libxai-lua. */
#ifndef XAI_LUA_H
#define XAI_LUA_H

#include <lua.h>

#include "xai/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes require "xai" work in this state (package.preload); sets no global. */
XAI_API void xai_openlibs(lua_State *L);

#ifdef __cplusplus
}
#endif
#endif
