// A network as a flat list of operations over channel-major matrices, with weights read in place from mapped files.
//
// A matrix has one row per channel and one column per pixel or token, the images of a batch side by side; its rows are
// `stride` floats apart, at least the columns rounded up to 16. All matrices lie in one arena that the caller laid out.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/isa.h"
#include "core/pool.h"
#include "network/layer_kernels.h"
#include "network/product_kernels.h"

namespace triptych {

struct Matrix {
  uint64_t offset = 0;  // floats from the start of the arena
  int rows = 0;
  int columns = 0;
  int stride = 0;
};

// Where a weight lies.
struct FileTensor {
  int file = 0;
  uint64_t offset = 0;  // bytes
  WeightType type = WeightType::F32;
  int rows = 0;         // [rows][k]; a vector has one row
  int k = 0;
};

enum class NetworkOpKind { Input, Output, Product, GroupNorm, LayerNorm, Activate, Geglu, Add, Outer, Copy, Attention };

// One operation; which fields count depends on the kind.
struct NetworkOp {
  NetworkOpKind kind = NetworkOpKind::Copy;
  Matrix x, y, out;            // Attention: x queries, y keys; Add, Outer: x and y
  Matrix values;               // Attention
  int weight = -1, bias = -1;  // indices of tensors
  bool has_shift = false, has_residual = false;
  Matrix shift;                // Product: [rows][batch], added to every pixel of an image
  Matrix residual;             // Product: added
  int batch = 1;
  int groups = 1, heads = 1;
  float epsilon = 0, factor = 1;  // factor: slope of an activation, scale of attention
  Activation activation = Activation::None;
  bool is_convolution = false;
  ImageWindow window{};
  // Input, Output: index of the array outside, [batch][rows][columns / batch] or, by tokens, [columns][rows].
  int index = 0;
  bool by_tokens = false;
};

struct NetworkSpec {
  std::vector<std::string> files;
  std::vector<FileTensor> tensors;
  std::vector<std::vector<float>> constants;  // [rows], for Outer
  std::vector<NetworkOp> ops;
  uint64_t arena_floats = 0;
  std::vector<uint64_t> input_sizes, output_sizes;
  int threads = 1;
  Isa isa = Isa::Portable;
};

class Network {
 public:
  // Maps the files and checks every index and range; returns what is wrong, or an empty string.
  static std::string create(NetworkSpec spec, std::unique_ptr<Network>& made);
  ~Network();

  // Runs all operations on all threads. Arrays have the sizes the spec gives.
  void run(const std::vector<const float*>& inputs, const std::vector<float*>& outputs);
  const NetworkSpec& spec() const { return spec_; }

 private:
  explicit Network(NetworkSpec spec);
  struct Map { void* data = nullptr; size_t size = 0; };
  std::string open_files();
  std::string check() const;
  void reserve();

  float* at(const Matrix& m) const { return arena_ + m.offset; }
  WeightRows rows_of(int tensor) const;
  // Small products stay with f32 multiply-adds, which are exact to f32's rounding; AMX pays from a size on.
  const ProductKernels& kernels_of(const NetworkOp& op) const;
  void step(const NetworkOp& op, const Worker& worker);
  void product(const NetworkOp& op, const Worker& worker);
  void attention(const NetworkOp& op, const Worker& worker);
  void norm_and_rest(const NetworkOp& op, const Worker& worker);
  void transfer(const NetworkOp& op, const Worker& worker);

  NetworkSpec spec_;
  Pool pool_;
  const ProductKernels* products_;        // the fastest
  const ProductKernels* small_products_;  // for small ones
  const LayerKernels* layers_;
  std::vector<Map> maps_;
  std::vector<std::vector<float>> vectors_;  // of one-row tensors, widened
  float* arena_ = nullptr;
  size_t arena_bytes_ = 0;
  uint8_t* panel_ = nullptr;                 // shared by all threads
  size_t panel_bytes_ = 0, private_bytes_ = 0;
  const std::vector<const float*>* inputs_ = nullptr;
  const std::vector<float*>* outputs_ = nullptr;
};

}  // namespace triptych
