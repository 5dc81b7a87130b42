# Settings for the C libraries that CMake builds; see .cargo/config.toml.

# `make demo` compiles in a hurry. libaom encodes a thumbnail as quickly without AVX2.
if(DEFINED ENV{XACCEL_QUICK_CODECS})
  set(OPTIMISATION -O1)
  set(ENABLE_AVX2 0 CACHE STRING "")
else()
  set(OPTIMISATION -O2)
endif()

# Crates that build C libraries with Cargo's profile would build them here without optimisation.
# These libraries are not debugged here, and they link faster without symbols.
set(CMAKE_C_FLAGS_DEBUG "${OPTIMISATION} -DNDEBUG" CACHE STRING "")

# The parts of libaom that neither a still image nor its decoder uses: helpers of its command-line
# tools, denoising before encoding, and decoding of large-scale tiles. CONFIG_MULTITHREAD has to stay
# on, because without it, libaom's initialisation is not safe in threads.
set(CONFIG_LIBYUV 0 CACHE STRING "")
set(CONFIG_WEBM_IO 0 CACHE STRING "")
set(CONFIG_DENOISE 0 CACHE STRING "")
set(CONFIG_NORMAL_TILE_MODE 1 CACHE STRING "")
