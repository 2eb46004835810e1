// Functions every vector kernel uses; included after one of the vec_*.h headers.
namespace triptych {
namespace {

// 2^x for -126 <= x <= 127, relative error below 3e-7; NaN stays NaN.
inline Vec exp2_within(Vec x) {
  Vec whole;
  const Vec f = Vec::fraction(x, whole);
  // Minimax of 2^f / (its value) with the constant term held at 1, so that 2^0 is 1.
  Vec p = Vec::set(0.001326472731307149f);
  p = Vec::fma(p, f, Vec::set(0.009671512991189957f));
  p = Vec::fma(p, f, Vec::set(0.05550733581185341f));
  p = Vec::fma(p, f, Vec::set(0.24022242426872253f));
  p = Vec::fma(p, f, Vec::set(0.6931470036506653f));
  p = Vec::fma(p, f, Vec::set(1.0f));
  return Vec::scale(p, whole);
}

// For any x, which is limited to that range.
inline Vec exp2_vec(Vec x) { return exp2_within(Vec::min(Vec::set(127.0f), Vec::max(Vec::set(-126.0f), x))); }

// For x <= 127, limited below only. No subnormal results: multiplying by them can be slow.
inline Vec exp2_upto127(Vec x) { return exp2_within(Vec::max(Vec::set(-126.0f), x)); }

}  // namespace
}  // namespace triptych
