// Launchers by name, as the addon offers them. The arguments of a launcher are a struct whose members are all 8 bytes wide
// (device pointers, int64_t, double), so that a launch from JavaScript is one array of words.
#pragma once
#include <cstdint>
#include <cstring>

#include "platform.h"

namespace nnz {

struct Launcher {
  const char* name;
  /// Members in order, `kind:name` separated by blanks; kinds are p (device pointer), i (integer), f (number).
  const char* fields;
  size_t bytes;
  cudaError_t (*launch)(const void* arguments, cudaStream_t stream);
};

/// The number of members that a text of fields names.
constexpr size_t field_count(const char* fields) {
  size_t count = *fields != 0;
  for (; *fields != 0; fields++) count += *fields == ' ';
  return count;
}

/// The row of the registry for a struct with `name`, `fields` and a function that launches it.
template <class Arguments, cudaError_t (*Launch)(const Arguments&, cudaStream_t)>
constexpr Launcher launcher() {
  static_assert(sizeof(Arguments) == 8 * field_count(Arguments::fields), "fields and members differ");
  return {Arguments::name, Arguments::fields, sizeof(Arguments), [](const void* words, cudaStream_t stream) {
            Arguments arguments;
            std::memcpy(&arguments, words, sizeof arguments);
            return Launch(arguments, stream);
          }};
}

/// All launchers of the addon.
extern const Launcher launchers[];
extern const size_t launcher_count;

}  // namespace nnz
