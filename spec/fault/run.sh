#!/bin/sh
# The allocation sweep: spec/fault/sweep.lua in a host whose allocator can fail.
cd "$(dirname "$0")/../.." || exit 1
exec build/checked/fault/host spec/fault/sweep.lua
