// Functions every vector kernel uses; included after one of the vec_*.h headers.
namespace triptych {
namespace {

// 2^x for x <= 127, relative error below 3e-7; below -126 it stays at 2^-126, NaN stays NaN.
inline Vec exp2_upto127(Vec x) {
  x = Vec::max(Vec::set(-126.0f), x);
  const Vec magic = Vec::set(12582912.0f);  // 1.5 * 2^23: adding it leaves round(x) in the low mantissa bits
  const Vec biased = x + magic;
  const Vec f = x - (biased - magic);       // in [-0.5, 0.5]
  // Minimax of 2^f / (its value) with the constant term held at 1, so that 2^0 is 1.
  Vec p = Vec::set(0.001326472731307149f);
  p = Vec::fma(p, f, Vec::set(0.009671512991189957f));
  p = Vec::fma(p, f, Vec::set(0.05550733581185341f));
  p = Vec::fma(p, f, Vec::set(0.24022242426872253f));
  p = Vec::fma(p, f, Vec::set(0.6931470036506653f));
  p = Vec::fma(p, f, Vec::set(1.0f));
  return Vec::scale_exponent(p, biased);
}

// The same of any x, which is limited to at most 127.
inline Vec exp2_vec(Vec x) { return exp2_upto127(Vec::min(Vec::set(127.0f), x)); }

}  // namespace
}  // namespace triptych
