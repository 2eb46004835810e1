#include "network/network.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/f16.h"
#include "core/memory.h"

namespace triptych {

size_t largest_panel(const ProductKernels& kernels, const NetworkOp& op, int k);
size_t attention_keys(const NetworkOp& op);
size_t attention_private(const ProductKernels& kernels, const NetworkOp& op);

namespace {

constexpr size_t kAlign = 4096;
constexpr size_t kLineFloats = 1024;  // see product.cpp

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

const ProductKernels& products_of(Isa isa) {
#if defined(TRIPTYCH_X86)
  if (isa == Isa::Amx && product_kernels_amx()) return *product_kernels_amx();
  if (isa >= Isa::Avx512) return product_kernels_avx512();
  if (isa >= Isa::Avx2) return product_kernels_avx2();
#else
  (void)isa;
#endif
  return product_kernels_portable();
}

// Multiply-adds of an operation's products from which on AMX is used: a third of a millisecond of f32 FMA on two cores.
constexpr int64_t kLargeProduct = (int64_t)1 << 26;

const LayerKernels& layers_of(Isa isa) {
#if defined(TRIPTYCH_X86)
  if (isa >= Isa::Avx512) return layer_kernels_avx512();
  if (isa >= Isa::Avx2) return layer_kernels_avx2();
#else
  (void)isa;
#endif
  return layer_kernels_portable();
}

// This thread's part of `count` things.
struct Share {
  int from, to;
  Share(int count, const Worker& w) : from((int)((int64_t)count * w.index / w.count)), to((int)((int64_t)count * (w.index + 1) / w.count)) {}
};

}  // namespace

Network::Network(NetworkSpec spec)
    : spec_(std::move(spec)), pool_(spec_.threads), products_(&products_of(spec_.isa)),
      small_products_(&products_of(spec_.isa == Isa::Amx ? Isa::Avx512 : spec_.isa)), layers_(&layers_of(spec_.isa)) {}

Network::~Network() {
  for (const Map& map : maps_)
    if (map.data) munmap(map.data, map.size);
  if (arena_) munmap(arena_, arena_bytes_);
}

std::string Network::create(NetworkSpec spec, std::unique_ptr<Network>& made) {
  std::unique_ptr<Network> network(new Network(std::move(spec)));
  if (std::string error = network->open_files(); !error.empty()) return error;
  if (std::string error = network->check(); !error.empty()) return error;
  network->reserve();
  if (!network->arena_) return std::string("cannot allocate the network's memory: ") + std::strerror(errno);
  made = std::move(network);
  return "";
}

std::string Network::open_files() {
  for (const std::string& path : spec_.files) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return "cannot open " + path + ": " + std::strerror(errno);
    struct stat info {};
    void* data = MAP_FAILED;
    if (fstat(fd, &info) == 0 && info.st_size > 0) data = mmap(nullptr, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    const int problem = errno;
    close(fd);
    if (data == MAP_FAILED) return "cannot map " + path + ": " + (info.st_size ? std::strerror(problem) : "the file is empty");
    madvise(data, (size_t)info.st_size, MADV_WILLNEED);
    maps_.push_back({data, (size_t)info.st_size});
  }
  for (size_t i = 0; i < spec_.tensors.size(); i++) {
    const FileTensor& t = spec_.tensors[i];
    const std::string name = "tensor " + std::to_string(i);
    if (t.file < 0 || (size_t)t.file >= maps_.size()) return name + ": no such file";
    if (t.type != WeightType::F32 && t.type != WeightType::F16 && t.type != WeightType::BF16) return name + ": type is not supported";
    if (t.rows < 1 || t.k < 1) return name + ": bad shape";
    const uint64_t bytes = (uint64_t)t.rows * (uint64_t)t.k * (t.type == WeightType::F32 ? 4 : 2);
    if (t.offset > maps_[t.file].size || bytes > maps_[t.file].size - t.offset) return name + ": ends beyond the file";
    vectors_.emplace_back();
    if (t.rows > 1) continue;
    const uint8_t* from = (const uint8_t*)maps_[t.file].data + t.offset;
    for (int k = 0; k < t.k; k++) {
      uint16_t half = 0;
      float value = 0;
      if (t.type == WeightType::F32) std::memcpy(&value, from + 4 * (size_t)k, 4);
      else std::memcpy(&half, from + 2 * (size_t)k, 2);
      vectors_.back().push_back(t.type == WeightType::F32 ? value : t.type == WeightType::F16 ? f16_to_f32(half) : bf16_to_f32(half));
    }
  }
  return "";
}

// The caller lays matrices out and must be right about shapes; what is checked here keeps a wrong spec from reading or
// writing beyond memory.
std::string Network::check() const {
  for (size_t i = 0; i < spec_.ops.size(); i++) {
    const NetworkOp& op = spec_.ops[i];
    const auto wrong = [&](const char* what) { return "operation " + std::to_string(i) + ": " + what; };
    const auto fits = [&](const Matrix& m) {
      return m.rows >= 1 && m.columns >= 1 && m.stride % 16 == 0 && m.stride >= m.columns &&
             m.offset <= spec_.arena_floats && (uint64_t)m.rows * (uint64_t)m.stride <= spec_.arena_floats - m.offset;
    };
    const auto vector_of = [&](int tensor, int size) {
      return tensor >= 0 && (size_t)tensor < vectors_.size() && (int)vectors_[tensor].size() == size;
    };
    const auto same = [](const Matrix& a, const Matrix& b) { return a.rows == b.rows && a.columns == b.columns; };
    const bool has_x = op.kind != NetworkOpKind::Input, has_out = op.kind != NetworkOpKind::Output;
    if ((has_x && !fits(op.x)) || (has_out && !fits(op.out))) return wrong("a matrix does not fit");
    const Matrix& shaped = has_out ? op.out : op.x;
    if (op.batch < 1 || shaped.columns % op.batch != 0) return wrong("batch does not divide the columns");
    switch (op.kind) {
      case NetworkOpKind::Input:
        if (op.index < 0 || (size_t)op.index >= spec_.input_sizes.size() ||
            spec_.input_sizes[op.index] != (uint64_t)op.out.rows * (uint64_t)op.out.columns)
          return wrong("bad input");
        break;
      case NetworkOpKind::Output:
        if (op.index < 0 || (size_t)op.index >= spec_.output_sizes.size() ||
            spec_.output_sizes[op.index] != (uint64_t)op.x.rows * (uint64_t)op.x.columns)
          return wrong("bad output");
        break;
      case NetworkOpKind::Product: {
        if (op.weight < 0 || (size_t)op.weight >= spec_.tensors.size()) return wrong("no such weight");
        const FileTensor& w = spec_.tensors[op.weight];
        const ImageWindow& v = op.window;
        if (op.is_convolution) {
          if (v.enlarge < 1 || v.kernel_height < 1 || v.kernel_width < 1 || v.stride_x < 1 || v.stride_y < 1 || v.out_height < 1 ||
              v.out_width < 1 || v.in_height % v.enlarge != 0 || v.in_width % v.enlarge != 0 || v.pad_top < 0 || v.pad_left < 0 ||
              (int64_t)op.batch * v.out_height * v.out_width != op.out.columns ||
              (int64_t)op.batch * (v.in_height / v.enlarge) * (v.in_width / v.enlarge) != op.x.columns)
            return wrong("bad window");
        } else if (op.x.columns != op.out.columns) {
          return wrong("columns differ");
        }
        const int64_t taps = op.is_convolution ? (int64_t)v.kernel_height * v.kernel_width : 1;
        if (w.rows != op.out.rows || w.k != op.x.rows * taps) return wrong("the weight does not fit");
        if (op.bias >= 0 && !vector_of(op.bias, op.out.rows)) return wrong("the bias does not fit");
        if (op.has_shift && (!fits(op.shift) || op.shift.rows != op.out.rows || op.shift.columns != op.batch)) return wrong("the shift does not fit");
        if (op.has_residual && (!fits(op.residual) || !same(op.residual, op.out))) return wrong("the residual does not fit");
        break;
      }
      case NetworkOpKind::GroupNorm:
        if (op.groups < 1 || op.x.rows % op.groups != 0) return wrong("groups do not divide the channels");
        [[fallthrough]];
      case NetworkOpKind::LayerNorm:
        if (!same(op.x, op.out) || !vector_of(op.weight, op.x.rows) || !vector_of(op.bias, op.x.rows)) return wrong("the norm does not fit");
        break;
      case NetworkOpKind::Activate:
      case NetworkOpKind::Copy:
        if (!same(op.x, op.out)) return wrong("shapes differ");
        break;
      case NetworkOpKind::Geglu:
        if (op.x.rows != 2 * op.out.rows || op.x.columns != op.out.columns) return wrong("shapes differ");
        break;
      case NetworkOpKind::Add:
        if (!fits(op.y) || !same(op.x, op.out) || !same(op.y, op.out)) return wrong("shapes differ");
        break;
      case NetworkOpKind::Outer:
        if (op.weight < 0 || (size_t)op.weight >= spec_.constants.size() || (int)spec_.constants[op.weight].size() != op.out.rows ||
            op.x.rows != 1 || op.x.columns != op.out.columns)
          return wrong("shapes differ");
        break;
      case NetworkOpKind::Attention:
        if (!fits(op.y) || !fits(op.values) || op.heads < 1 || op.x.rows % op.heads != 0 || op.values.rows % op.heads != 0 ||
            op.y.rows != op.x.rows || op.values.columns != op.y.columns || op.out.rows != op.values.rows || op.out.columns != op.x.columns ||
            op.y.columns % op.batch != 0)
          return wrong("shapes differ");
        break;
    }
  }
  return "";
}

const ProductKernels& Network::kernels_of(const NetworkOp& op) const {
  const int64_t k = op.kind == NetworkOpKind::Attention ? (int64_t)op.y.columns / op.batch * 2 : spec_.tensors[op.weight].k;
  return (int64_t)op.out.rows * op.out.columns * k < kLargeProduct ? *small_products_ : *products_;
}

// One region: arena, the panel all threads share, what each thread has for itself.
void Network::reserve() {
  for (const NetworkOp& op : spec_.ops) {
    if (op.kind == NetworkOpKind::Product) {
      panel_bytes_ = std::max(panel_bytes_, largest_panel(kernels_of(op), op, spec_.tensors[op.weight].k));
      private_bytes_ = std::max(private_bytes_, kProductScratch + 2 * kLineFloats * 4);
    }
    if (op.kind == NetworkOpKind::Attention) {
      panel_bytes_ = std::max(panel_bytes_, attention_keys(op) * 4);
      private_bytes_ = std::max(private_bytes_, kProductScratch + attention_private(kernels_of(op), op));
    }
  }
  panel_bytes_ = round_up(panel_bytes_, kAlign);
  private_bytes_ = round_up(private_bytes_, kAlign) + kAlign;
  const size_t arena = round_up(spec_.arena_floats * 4, kAlign);
  arena_bytes_ = arena + panel_bytes_ + private_bytes_ * (size_t)pool_.size();
  arena_ = (float*)reserve_memory(arena_bytes_);
  if (arena_) panel_ = (uint8_t*)arena_ + arena;
}

WeightRows Network::rows_of(int tensor) const {
  const FileTensor& t = spec_.tensors[tensor];
  return {(const uint8_t*)maps_[t.file].data + t.offset, (size_t)t.k * (t.type == WeightType::F32 ? 4 : 2), t.type};
}

void Network::run(const std::vector<const float*>& inputs, const std::vector<float*>& outputs) {
  inputs_ = &inputs;
  outputs_ = &outputs;
  pool_.run([&](const Worker& worker) {
    for (const NetworkOp& op : spec_.ops) step(op, worker);
  });
}

void Network::step(const NetworkOp& op, const Worker& worker) {
  switch (op.kind) {
    case NetworkOpKind::Product: return product(op, worker);
    case NetworkOpKind::Attention: return attention(op, worker);
    case NetworkOpKind::Input:
    case NetworkOpKind::Output: transfer(op, worker); break;
    default: norm_and_rest(op, worker);
  }
  pool_.sync();
}

void Network::transfer(const NetworkOp& op, const Worker& worker) {
  const bool is_input = op.kind == NetworkOpKind::Input;
  const Matrix& m = is_input ? op.out : op.x;
  float* matrix = at(m);
  const float* in = is_input ? (*inputs_)[op.index] : nullptr;
  float* out = is_input ? nullptr : (*outputs_)[op.index];
  const int per_image = m.columns / op.batch;
  const Share rows(m.rows, worker);
  for (int r = rows.from; r < rows.to; r++) {
    float* row = matrix + (size_t)r * m.stride;
    if (op.by_tokens) {
      for (int c = 0; c < m.columns; c++) {
        if (is_input) row[c] = in[(size_t)c * m.rows + r];
        else out[(size_t)c * m.rows + r] = row[c];
      }
      continue;
    }
    for (int b = 0; b < op.batch; b++) {
      const size_t outside = ((size_t)b * m.rows + r) * per_image;
      if (is_input) std::memcpy(row + (size_t)b * per_image, in + outside, (size_t)per_image * 4);
      else std::memcpy(out + outside, row + (size_t)b * per_image, (size_t)per_image * 4);
    }
  }
}

void Network::norm_and_rest(const NetworkOp& op, const Worker& worker) {
  float* x = at(op.x);
  float* out = at(op.out);
  const size_t x_stride = (size_t)op.x.stride, stride = (size_t)op.out.stride;
  if (op.kind == NetworkOpKind::GroupNorm) {
    const int channels = op.x.rows / op.groups, count = op.x.columns / op.batch;
    for (int unit = worker.take(1); unit < op.groups * op.batch; unit = worker.take(1)) {
      const int first = unit / op.batch * channels, column = unit % op.batch * count;
      layers_->group_norm(x + first * x_stride + column, x_stride, channels, count, vectors_[op.weight].data() + first,
                          vectors_[op.bias].data() + first, op.epsilon, op.activation == Activation::Swish, out + first * stride + column, stride);
    }
    return;
  }
  if (op.kind == NetworkOpKind::LayerNorm) {
    const int unit_columns = op.x.columns > 256 ? 64 : 16;
    for (int c = worker.take(unit_columns); c < op.x.columns; c = worker.take(unit_columns))
      layers_->layer_norm(x + c, x_stride, op.x.rows, std::min(unit_columns, op.x.columns - c), vectors_[op.weight].data(), vectors_[op.bias].data(),
                          op.epsilon, out + c, stride);
    return;
  }
  const Share rows(op.out.rows, worker);
  for (int r = rows.from; r < rows.to; r++) {
    float* to = out + r * stride;
    const float* from = x + r * x_stride;
    switch (op.kind) {
      case NetworkOpKind::Activate: layers_->activate(from, to, op.out.columns, op.activation, op.factor); break;
      case NetworkOpKind::Geglu: layers_->geglu(from, from + (size_t)op.out.rows * x_stride, to, op.out.columns); break;
      case NetworkOpKind::Add: layers_->add(from, at(op.y) + (size_t)r * op.y.stride, to, op.out.columns); break;
      case NetworkOpKind::Outer:
        for (int c = 0; c < op.out.columns; c++) to[c] = spec_.constants[op.weight][r] * x[c];
        break;
      default: std::memcpy(to, from, (size_t)op.out.columns * 4);
    }
  }
}

}  // namespace triptych
