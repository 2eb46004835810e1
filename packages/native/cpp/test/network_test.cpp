// Networks against float64 references: every kind of operation, every instruction set, odd sizes.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <functional>

#include "network/network.h"
#include "test/check.h"
#include "test/isas.h"

namespace triptych::test {
namespace {

std::vector<float> gauss(Rng& rng, size_t count) {
  std::vector<float> values(count);
  for (float& v : values) v = rng.gauss();
  return values;
}

// A file that goes away with the test; starts with three bytes so that weights are not aligned.
struct WeightFile {
  std::string path = "/tmp/triptych-network-XXXXXX";
  std::vector<uint8_t> bytes = {1, 2, 3};
  std::vector<FileTensor> tensors;

  int add(const std::vector<float>& values, int rows, WeightType type = WeightType::F32) {
    tensors.push_back({0, bytes.size(), type, rows, (int)values.size() / rows});
    for (float v : values) {
      uint32_t bits;
      std::memcpy(&bits, &v, 4);
      const uint8_t* p = (const uint8_t*)&bits;
      if (type == WeightType::F32) bytes.insert(bytes.end(), p, p + 4);
      else bytes.insert(bytes.end(), p + 2, p + 4);  // bfloat16, cut
    }
    return (int)tensors.size() - 1;
  }
  void write() {
    const int fd = mkstemp(path.data());
    CHECK(fd >= 0 && ::write(fd, bytes.data(), bytes.size()) == (ssize_t)bytes.size());
    close(fd);
  }
  ~WeightFile() { unlink(path.c_str()); }
};

struct Layout {
  uint64_t end = 0;
  Matrix matrix(int rows, int columns) {
    const Matrix m{end, rows, columns, (columns + 15) / 16 * 16};
    end += (uint64_t)rows * m.stride;
    return m;
  }
};

NetworkOp in(int index, Matrix out, int batch) {
  NetworkOp op;
  op.kind = NetworkOpKind::Input;
  op.index = index;
  op.out = out;
  op.batch = batch;
  return op;
}
NetworkOp result(Matrix x, int batch) {
  NetworkOp op;
  op.kind = NetworkOpKind::Output;
  op.x = x;
  op.batch = batch;
  return op;
}

// Runs the operations on every instruction set and on one to three threads; results agree with `expected` in units of
// their largest, and are the same bits whatever the threads.
void check(NetworkSpec spec, const std::vector<std::vector<float>>& inputs, const std::vector<double>& expected, double bound) {
  double largest = 1e-9;
  for (double v : expected) largest = std::max(largest, std::fabs(v));
  for (const auto& input : inputs) spec.input_sizes.push_back(input.size());
  spec.output_sizes = {expected.size()};
  std::vector<const float*> feeds;
  for (const auto& input : inputs) feeds.push_back(input.data());
  for (Isa isa : available_isas()) {
    std::vector<float> first;
    for (int threads = 1; threads <= 3; threads++) {
      spec.isa = isa;
      spec.threads = threads;
      std::unique_ptr<Network> network;
      const std::string error = Network::create(spec, network);
      if (!network) return fail(__FILE__, __LINE__, error);
      std::vector<float> out(expected.size());
      network->run(feeds, {out.data()});
      double worst = 0;
      for (size_t i = 0; i < out.size(); i++) {
        const double distance = std::fabs(out[i] - expected[i]);
        worst = distance <= worst ? worst : distance;  // NaN stays
      }
      CHECK_LE(worst / largest, isa == Isa::Amx ? bound + 1e-5 : bound);
      if (threads == 1) first = out;
      CHECK(first == out);
    }
  }
}

struct ConvCase { int batch, in, out, height, width, kernel, stride, pad, enlarge; WeightType type; bool extras; };

void convolution(const ConvCase& c) {
  Rng rng(17 + c.in);
  const int high = c.height * c.enlarge, wide = c.width * c.enlarge;
  const int out_h = (high + 2 * c.pad - c.kernel) / c.stride + 1, out_w = (wide + 2 * c.pad - c.kernel) / c.stride + 1;
  const int area = out_h * out_w, columns = c.batch * area, k = c.in * c.kernel * c.kernel;
  WeightFile file;
  std::vector<float> weight = gauss(rng, (size_t)c.out * k), bias = gauss(rng, c.out);
  if (c.type == WeightType::BF16)
    for (float& v : weight) { uint32_t bits; std::memcpy(&bits, &v, 4); bits &= 0xffff0000; std::memcpy(&v, &bits, 4); }
  const auto x = gauss(rng, (size_t)c.batch * c.in * c.height * c.width), shift = gauss(rng, (size_t)c.batch * c.out);
  const auto residual = gauss(rng, (size_t)c.out * columns);
  Layout layout;
  NetworkOp op;
  op.kind = NetworkOpKind::Product;
  op.x = layout.matrix(c.in, c.batch * c.height * c.width);
  op.out = layout.matrix(c.out, columns);
  op.batch = c.batch;
  op.weight = file.add(weight, c.out, c.type);
  op.is_convolution = true;
  op.window = {high, wide, out_h, out_w, c.stride, c.stride, c.pad, c.pad, c.kernel, c.kernel, c.enlarge};
  std::vector<std::vector<float>> inputs = {x};
  NetworkSpec spec;
  spec.ops = {in(0, op.x, c.batch)};
  if (c.extras) {
    op.bias = file.add(bias, 1);
    op.has_shift = op.has_residual = true;
    op.shift = layout.matrix(c.out, c.batch);
    op.residual = layout.matrix(c.out, columns);
    spec.ops.push_back(in(1, op.shift, c.batch));
    spec.ops.push_back(in(2, op.residual, c.batch));
    inputs.push_back(shift);
    inputs.push_back(residual);
  }
  spec.ops.push_back(op);
  spec.ops.push_back(result(op.out, c.batch));
  std::vector<double> expected((size_t)c.out * columns);
  for (int b = 0; b < c.batch; b++)
    for (int o = 0; o < c.out; o++)
      for (int p = 0; p < area; p++) {
        const size_t at = ((size_t)b * c.out + o) * area + p;
        double sum = c.extras ? (double)bias[o] + shift[b * c.out + o] + residual[at] : 0;
        for (int i = 0; i < c.in; i++)
          for (int ky = 0; ky < c.kernel; ky++)
            for (int kx = 0; kx < c.kernel; kx++) {
              const int y = p / out_w * c.stride + ky - c.pad, xx = p % out_w * c.stride + kx - c.pad;
              if (y < 0 || xx < 0 || y >= high || xx >= wide) continue;
              sum += (double)weight[(size_t)o * k + (i * c.kernel + ky) * c.kernel + kx] *
                     x[(((size_t)b * c.in + i) * c.height + y / c.enlarge) * c.width + xx / c.enlarge];
            }
        expected[at] = sum;
      }
  file.write();
  spec.files = {file.path};
  spec.tensors = file.tensors;
  spec.arena_floats = layout.end;
  check(spec, inputs, expected, 2e-6);
}

}  // namespace

TEST(network_convolutions) {
  convolution({2, 5, 7, 6, 5, 3, 1, 1, 1, WeightType::F32, true});
  convolution({1, 3, 4, 8, 8, 3, 2, 1, 1, WeightType::F32, false});
  convolution({1, 2, 33, 5, 7, 3, 1, 1, 2, WeightType::F32, true});
  convolution({3, 37, 20, 4, 4, 1, 1, 0, 1, WeightType::BF16, true});
  convolution({1, 4, 3, 2, 3, 5, 1, 2, 1, WeightType::F32, false});
}

// Large enough for AMX and for several panels and column blocks.
TEST(network_large_convolution) { convolution({1, 65, 90, 36, 33, 3, 1, 1, 1, WeightType::F32, true}); }
TEST(network_large_strided) { convolution({3, 130, 70, 20, 40, 3, 2, 1, 1, WeightType::BF16, false}); }
TEST(network_large_enlarged) { convolution({1, 65, 50, 24, 24, 3, 1, 1, 2, WeightType::F32, true}); }

TEST(network_attention) {
  for (const int large : {0, 1}) {
    const int batch = 2, heads = large ? 4 : 3, width = large ? 40 : 5, queries = large ? 333 : 9, keys = large ? 500 : 11;
    Rng rng(5);
    const int rows = heads * width;
    const auto q = gauss(rng, (size_t)batch * rows * queries), k = gauss(rng, (size_t)batch * rows * keys), v = gauss(rng, (size_t)batch * rows * keys);
    Layout layout;
    NetworkOp op;
    op.kind = NetworkOpKind::Attention;
    op.x = layout.matrix(rows, batch * queries);
    op.y = layout.matrix(rows, batch * keys);
    op.values = layout.matrix(rows, batch * keys);
    op.out = layout.matrix(rows, batch * queries);
    op.heads = heads;
    op.batch = batch;
    op.factor = 0.4f;
    std::vector<double> expected((size_t)batch * rows * queries);
    for (int b = 0; b < batch; b++)
      for (int h = 0; h < heads; h++)
        for (int i = 0; i < queries; i++) {
          std::vector<double> p(keys);
          double top = -1e30, sum = 0;
          const auto at = [&](const std::vector<float>& m, int d, int j, int n) { return (double)m[((size_t)b * rows + h * width + d) * n + j]; };
          for (int j = 0; j < keys; j++) {
            for (int d = 0; d < width; d++) p[j] += 0.4f * at(q, d, i, queries) * at(k, d, j, keys);
            top = std::max(top, p[j]);
          }
          for (double& value : p) sum += value = std::exp(value - top);
          for (int d = 0; d < width; d++) {
            double mixed = 0;
            for (int j = 0; j < keys; j++) mixed += p[j] / sum * at(v, d, j, keys);
            expected[((size_t)b * rows + h * width + d) * queries + i] = mixed;
          }
        }
    NetworkSpec spec;
    spec.ops = {in(0, op.x, batch), in(1, op.y, batch), in(2, op.values, batch), op, result(op.out, batch)};
    spec.arena_floats = layout.end;
    check(spec, {q, k, v}, expected, 1e-5);
  }
}

TEST(network_norms_and_activations) {
  const int batch = 3, rows = 8, area = 21;
  Rng rng(9);
  const auto x = gauss(rng, (size_t)batch * rows * area), weight = gauss(rng, rows), bias = gauss(rng, rows);
  const auto run = [&](NetworkOp op, int out_rows, const std::function<double(int, int, int)>& value) {
    Layout layout;
    WeightFile file;
    op.x = layout.matrix(rows, batch * area);
    op.out = layout.matrix(out_rows, batch * area);
    op.batch = batch;
    op.epsilon = 1e-5f;
    if (op.kind == NetworkOpKind::GroupNorm || op.kind == NetworkOpKind::LayerNorm) {
      op.weight = file.add(weight, 1);
      op.bias = file.add(bias, 1);
    }
    file.write();
    std::vector<double> expected;
    for (int b = 0; b < batch; b++)
      for (int r = 0; r < out_rows; r++)
        for (int p = 0; p < area; p++) expected.push_back(value(b, r, p));
    NetworkSpec spec;
    spec.files = {file.path};
    spec.tensors = file.tensors;
    spec.ops = {in(0, op.x, batch), op, result(op.out, batch)};
    spec.arena_floats = layout.end;
    check(spec, {x}, expected, 2e-6);
  };
  const auto at = [&](int b, int r, int p) { return (double)x[((size_t)b * rows + r) * area + p]; };
  const auto normed = [&](int b, int r, int p, int first, int count, bool pixels) {
    double sum = 0, squares = 0;
    const int total = count * (pixels ? area : 1);
    for (int c = first; c < first + count; c++)
      for (int q = pixels ? 0 : p; q < (pixels ? area : p + 1); q++) sum += at(b, c, q);
    for (int c = first; c < first + count; c++)
      for (int q = pixels ? 0 : p; q < (pixels ? area : p + 1); q++) squares += (at(b, c, q) - sum / total) * (at(b, c, q) - sum / total);
    return (at(b, r, p) - sum / total) / std::sqrt(squares / total + 1e-5) * weight[r] + bias[r];
  };
  const auto gelu = [](double v) { return 0.5 * v * (1 + std::erf(v * 0.70710678118654752)); };
  const auto swish = [](double v) { return v / (1 + std::exp(-v)); };
  NetworkOp op;
  op.kind = NetworkOpKind::GroupNorm;
  op.groups = 4;
  run(op, rows, [&](int b, int r, int p) { return normed(b, r, p, r / 2 * 2, 2, true); });
  op.activation = Activation::Swish;
  run(op, rows, [&](int b, int r, int p) { return swish(normed(b, r, p, r / 2 * 2, 2, true)); });
  op = {};
  op.kind = NetworkOpKind::LayerNorm;
  run(op, rows, [&](int b, int r, int p) { return normed(b, r, p, 0, rows, false); });
  op = {};
  op.kind = NetworkOpKind::Activate;
  op.activation = Activation::Gelu;
  run(op, rows, [&](int b, int r, int p) { return gelu(at(b, r, p)); });
  op.activation = Activation::Swish;
  op.factor = 1.702f;
  run(op, rows, [&](int b, int r, int p) { return at(b, r, p) / (1 + std::exp(-1.702 * at(b, r, p))); });
  op = {};
  op.kind = NetworkOpKind::Geglu;
  run(op, rows / 2, [&](int b, int r, int p) { return at(b, r, p) * gelu(at(b, r + rows / 2, p)); });
}

TEST(network_refuses_what_does_not_fit) {
  WeightFile file;
  file.add(std::vector<float>(6, 1.0f), 2);
  file.write();
  Layout layout;
  NetworkOp op;
  op.kind = NetworkOpKind::Product;
  op.x = layout.matrix(3, 4);
  op.out = layout.matrix(2, 4);
  op.weight = 0;
  const auto error_of = [&](const std::function<void(NetworkSpec&)>& change) {
    NetworkSpec spec;
    spec.files = {file.path};
    spec.tensors = file.tensors;
    spec.ops = {op};
    spec.arena_floats = layout.end;
    change(spec);
    std::unique_ptr<Network> network;
    return Network::create(spec, network);
  };
  CHECK(error_of([](NetworkSpec&) {}).empty());
  CHECK(!error_of([](NetworkSpec& s) { s.files = {"/nowhere"}; }).empty());
  CHECK(!error_of([](NetworkSpec& s) { s.tensors[0].offset = 4; }).empty());
  CHECK(!error_of([](NetworkSpec& s) { s.tensors[0].file = 1; }).empty());
  CHECK(!error_of([](NetworkSpec& s) { s.tensors[0].type = WeightType::Q8_0; }).empty());
  CHECK(!error_of([](NetworkSpec& s) { s.arena_floats--; }).empty());
  CHECK(!error_of([](NetworkSpec& s) { s.ops[0].x.rows = 2; }).empty());
  CHECK(!error_of([](NetworkSpec& s) { s.ops[0].x.stride = 3; }).empty());
  CHECK(!error_of([](NetworkSpec& s) { s.ops[0].bias = 0; }).empty());
  CHECK(!error_of([](NetworkSpec& s) { s.ops[0].weight = 1; }).empty());
  CHECK(!error_of([](NetworkSpec& s) { s.ops[0].batch = 3; }).empty());
}

}  // namespace triptych::test
