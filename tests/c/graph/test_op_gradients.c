/* Every gradient of every operator against central differences.
 *
 *   loss(x) = sum of r * forward(x), r fixed;   d loss / d x_e  =  (loss(x + h) - loss(x - h)) / 2h + O(h^2)
 *
 * One loop over the operator table and a list of cases; an operator, or an input of one, that has a gradient but no
 * case fails the test. Built twice: as it is, and with double.h, where the agreement must be to eight digits.
 * While a gradient is taken, everything that the row does not declare as read is NaN. */
#include "op_cases.h"

static bool differentiable(const op_case *k, int i) {
  return xai_call_has(&k->call, i) && k->in[i].dtype == XAI_F32 &&
         xai_op_grad(xai_op_get(k->op), i) != XAI_NO_GRAD;
}

static double loss(op_case *k) {
  double sum = 0;
  case_forward(k);
  for (int i = 0; i < k->n_out; i++)
    for (int64_t e = 0; e < xai_shape_size(&k->out[i].shape); e++)
      sum += xai_view_get(&k->out[i], e) * xai_view_get(&k->dout[i], e);
  return sum;
}

/* In place of elements that backward must not look at. */
static xai_view poisoned(const xai_view *v) {
  xai_view p = *v;
  if (v->shape.rank < 0) return p;
  p.data = bytes_for(v);
  for (int64_t e = 0; e < xai_shape_size(&v->shape); e++) view_set(&p, e, v->dtype == XAI_F32 ? NAN : 111);
  return p;
}

/* The gradient to input i alone, with no more in memory than the row says it reads. */
static void backward_with_declared_reads(op_case *k, int i) {
  const xai_op_def *def = xai_op_get(k->op);
  unsigned reads = xai_op_grad(def, i);
  xai_view in[CASE_INPUTS], out[XAI_MAX_OUTPUTS];
  for (int j = 0; j < k->n_in; j++) in[j] = reads & XAI_READS(j) ? k->in[j] : poisoned(&k->in[j]);
  for (int j = 0; j < k->n_out; j++) out[j] = j == 0 && reads & XAI_READS_OUT ? k->out[j] : poisoned(&k->out[j]);
  xai_call call = k->call;
  call.in = in;
  call.out = out;
  def->backward(&call);
  for (int j = 0; j < k->n_in; j++)
    if (in[j].data != k->in[j].data) free(in[j].data);
  for (int j = 0; j < k->n_out; j++)
    if (out[j].data != k->out[j].data) free(out[j].data);
}

static void compare_with_differences(op_case *k, int i, const char *title) {
  const double h = sizeof(float) == 8 ? 1e-5 : 5e-3, tolerance = sizeof(float) == 8 ? 1e-8 : 2e-3;
  int64_t n = xai_shape_size(&k->in[i].shape), step = n > 300 ? n / 100 : 1; /* of large inputs, a sample */
  double largest = 0, worst = 0;
  for (int64_t e = 0; e < n; e += step) {
    double x = xai_view_get(&k->in[i], e);
    view_set(&k->in[i], e, x + h);
    double up = loss(k), high = xai_view_get(&k->in[i], e);
    view_set(&k->in[i], e, x - h);
    double down = loss(k), low = xai_view_get(&k->in[i], e);
    view_set(&k->in[i], e, x);
    double expected = (up - down) / (high - low), got = xai_view_get(&k->din[i], e);
    if (!(fabs(got) <= 1e30)) fail_msg("%s: gradient to input %d is %g at element %d", title, i, got, (int)e);
    if (fabs(expected) > largest) largest = fabs(expected);
    if (fabs(expected - got) > worst) worst = fabs(expected - got);
  }
  if (largest == 0) fail_msg("%s: input %d makes no difference", title, i);
  if (worst > tolerance * largest)
    fail_msg("%s: gradient to input %d is off by %g of %g", title, i, worst, largest);
}

static void every_gradient_agrees_with_central_differences(void **state) {
  (void)state;
  bool covered[XAI_OP_COUNT][XAI_GRAD_INPUTS] = {{false}};
  for (int at = 0; at < CASES; at++) {
    const case_text *g = &cases[at];
    op_case k;
    char title[256];
    snprintf(title, sizeof title, "%s(%s) %s", xai_op_get(g->op)->name, g->inputs, g->attrs);
    case_open(&k, g->op, g->inputs, g->attrs);
    case_prepare(&k);
    for (int i = 0; i < k.n_in; i++) {
      if (!differentiable(&k, i)) continue;
      covered[g->op][i < XAI_GRAD_INPUTS ? i : XAI_GRAD_INPUTS - 1] = true;
      case_prepare_backward(&k, 1u << i);
      case_forward(&k);
      backward_with_declared_reads(&k, i);
      compare_with_differences(&k, i, title);
      case_close_backward(&k);
    }
    case_close(&k);
  }
  for (int op = 0; op < XAI_OP_COUNT; op++) {
    const xai_op_def *def = xai_op_get((xai_op)op);
    for (int i = 0; i < XAI_GRAD_INPUTS && (i < def->max_in || (def->max_in < 0 && i < 2)); i++)
      if (def->grad[i] != XAI_NO_GRAD && !covered[op][i])
        fail_msg("%s: the gradient to input %d has no case", def->name, i);
  }
}

static void gradients_asked_for_together_equal_those_asked_for_alone(void **state) {
  (void)state;
  for (int at = 0; at < CASES; at++) {
    op_case k, alone;
    unsigned wanted = 0;
    case_open(&k, cases[at].op, cases[at].inputs, cases[at].attrs);
    case_open(&alone, cases[at].op, cases[at].inputs, cases[at].attrs);
    case_prepare(&k);
    case_prepare(&alone);
    case_forward(&k);
    case_forward(&alone);
    for (int i = 0; i < k.n_in; i++)
      if (differentiable(&k, i)) wanted |= 1u << i;
    case_prepare_backward(&k, wanted);
    xai_op_get(k.op)->backward(&k.call);
    for (int i = 0; i < k.n_in; i++) {
      if (!differentiable(&k, i)) continue;
      case_prepare_backward(&alone, 1u << i);
      xai_op_get(k.op)->backward(&alone.call);
      assert_memory_equal(k.din[i].data, alone.din[i].data, xai_view_bytes(&k.in[i]));
      case_close_backward(&alone);
    }
    case_close(&k);
    case_close(&alone);
  }
}

static void without_a_signal_all_gradients_are_zero(void **state) {
  (void)state;
  for (int at = 0; at < CASES; at++) {
    op_case k;
    case_open(&k, cases[at].op, cases[at].inputs, cases[at].attrs);
    case_prepare(&k);
    case_forward(&k);
    for (int i = 0; i < k.n_in; i++) {
      if (!differentiable(&k, i)) continue;
      case_prepare_backward(&k, 1u << i);
      for (int j = 0; j < k.n_out; j++) {
        free(k.dout[j].data);
        k.dout[j].data = NULL;
      }
      xai_op_get(k.op)->backward(&k.call);
      for (int64_t e = 0; e < xai_shape_size(&k.in[i].shape); e++) assert_true(xai_view_get(&k.din[i], e) == 0);
      case_close_backward(&k);
    }
    case_close(&k);
  }
}

static void rows_name_the_inputs_whose_elements_shapes_depend_on(void **state) {
  (void)state;
  for (int at = 0; at < CASES; at++) {
    op_case k;
    case_open(&k, cases[at].op, cases[at].inputs, cases[at].attrs);
    const xai_op_def *def = xai_op_get(k.op);
    for (int i = 0; i < k.n_in; i++) {
      xai_err err = {""};
      bool was = k.unknown[i], decides = (def->decides & XAI_READS(i)) != 0;
      if (!xai_call_has(&k.call, i) || xai_shape_size(&k.in[i].shape) == 0) continue;
      k.unknown[i] = true;
      xai_status st = case_infer(&k, &err);
      if (st != (decides ? XAI_EUNSUPPORTED : XAI_OK))
        fail_msg("%s: input %d unknown, decides = %d: '%s'", def->name, i, decides, err.text);
      k.unknown[i] = was;
    }
    case_close(&k);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_gradient_agrees_with_central_differences),
      cmocka_unit_test(gradients_asked_for_together_equal_those_asked_for_alone),
      cmocka_unit_test(rows_name_the_inputs_whose_elements_shapes_depend_on),
      cmocka_unit_test(without_a_signal_all_gradients_are_zero),
  };
  xk_threads_set(1); /* thousands of tiny passes: waking a second thread costs more than it brings */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
