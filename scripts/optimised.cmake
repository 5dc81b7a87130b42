# What a build for debugging is for the C libraries that choose that by Cargo's profile, see
# .cargo/config.toml. Nobody debugs these here, and without their symbols they link sooner.
set(CMAKE_C_FLAGS_DEBUG "-O2 -DNDEBUG" CACHE STRING "")
