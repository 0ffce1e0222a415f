import { ascii } from '../../packages/formats/test/support/fixtures.ts'

/** One layer of 16 outputs x 8 inputs: two blocks in the first block row, one in the second. */
export function opus(index = '2, 0, 4, 1, 4', weights = Array.from({ length: 96 }, (_, i) => i - 48)): Uint8Array {
  return ascii(`/* generated */
#ifndef USE_WEIGHTS_FILE
static const opus_int8 a_weights_int8[${weights.length}] = {
${weights.join(',')},
};
static const int a_weights_idx[${index.split(',').length}] = {
${index}
};
static const float a_scale[16] = {
${Array.from({ length: 16 }, (_, i) => (i + 1) / 8).join(',')}
};
static const float d_weights_float[2] = { 1.5,-2e-1, };
#endif
int init(Model *model,const WeightArray *arrays) {
if (linear_init(&model->a,arrays,"a_bias","a_subias","a_weights_int8","a_weights_float","a_weights_idx",NULL,"a_scale",8,16)) return 1;
if (linear_init(&model->d,arrays,"d_bias",NULL,NULL,"d_weights_float",NULL,NULL,NULL,1,2)) return 1;
return 0;
}
`)
}
