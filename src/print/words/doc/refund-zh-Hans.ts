import type { RefundWords } from './refund-words.ts';

const BOUNDS = { at_least: '至少', more_than: '超过', at_most: '至多', less_than: '少于' } as const;
const SINCE = { payment: '付款', start: '服务开始' } as const;
const MISSING = { payment: '没有付款记录', start: '没有服务开始的记录', samples: '没有此虚拟机的样本' } as const;
const DATES = { paid_until: '付费至何时', paid_at: '何时付款' } as const;

export const REFUND_ZH_HANS: RefundWords = {
  title: '退款决定',
  decision: { eligible: '可退款', not_eligible: '不可退款', needs_review: '须人工审查' },
  refund: '退款金额',
  heading: '决定',
  at: '基准时间',
  decidedOn: '决定日期',
  terms: '条款',
  version: (title, version) => `${title}，第 ${version} 版`,
  reason: {
    applies: ({ ground }) => `应予退款：理由“${ground}”成立，且无任何排除事由。`,
    open: ({ ground }) => `理由“${ground}”是否成立取决于尚不明确的事实，须由人员判断。`,
    unpriced: ({ ground }) => `理由“${ground}”成立，但无法计算其金额：付款、金额、付费期间或方案未记录。须由人员判断。`,
    not_paid: ({ ground }) => `理由“${ground}”成立，但当时尚未付款。`,
    nothing_left: ({ ground }) => `理由“${ground}”成立，但已无可退金额。`,
    no_ground: () => '不予退款：没有理由成立，或成立的理由被排除。',
  },
  destination: { balance: '款项退回账户余额。', original_payment: '款项按原付款方式退回。' },
  whatIf: '此为假设查询：所适用的并非此虚拟机约定的条款，不产生任何效果。',
  nothingPaid: '本文件本身不支付任何款项。',
  grounds: '退款理由',
  bars: '排除事由',
  noGrounds: '此条款没有退款理由。',
  rule: '条款规定',
  measured: '实测',
  limit: '限值',
  outcome: '结果',
  ground: { pass: '成立', fail: '不成立', unknown: '不明' },
  bar: { pass: '无妨碍', fail: '排除退款', unknown: '不明' },
  only: (grounds) => `仅排除：${grounds}`,
  value: (said, { time, bytes, causes, kinds }) => {
    switch (said.code) {
      case 'elapsed':
        return said.before ? `${SINCE[said.since]}之前 ${time(said.ms)}` : `自${SINCE[said.since]}起 ${time(said.ms)}`;
      case 'not_recorded':
        return `不明：${MISSING[said.what]}`;
      case 'outage':
        return [
          `最长中断（${causes(said.causes)}）${time(said.ms)}`,
          ...(said.judged_ms > 0 ? [`含须由人员判断原因的时间（${causes(said.unsure)}）${time(said.judged_ms)}`] : []),
          ...(said.other_ms > 0 ? [`其他原因最长 ${time(said.other_ms)}`] : []),
        ].join('；');
      case 'bytes':
        return bytes(said.bytes);
      case 'events':
        return [
          `${said.account ? '账户' : ''}已记录 ${said.count} 次（${kinds(said.kinds)}）`,
          ...(said.missing === null ? [] : [`不明：${DATES[said.missing]}`]),
        ].join('；');
      case 'promotion':
        return said.sold ? '以促销价售出' : '非以促销价售出';
      case 'grounds':
        return `${said.count} 项理由成立`;
    }
  },
  bound: (said, { time, bytes, kinds }) => {
    switch (said.code) {
      case 'time':
        return `${BOUNDS[said.bound]} ${time(said.ms)}`;
      case 'outage':
        return `${BOUNDS[said.bound]} ${time(said.ms)}${said.within_ms === null ? '' : `，于付款后 ${time(said.within_ms)} 内`}`;
      case 'bytes':
        return `${BOUNDS[said.bound]} ${bytes(said.bytes)}`;
      case 'events':
        return `${BOUNDS[said.bound]} ${said.count} 次（${kinds(said.kinds)}）${said.before_expiry ? '，于付费期满前' : ''}`;
      case 'promotion':
        return '以促销价售出';
      case 'grounds':
        return '至少 1 项理由';
    }
  },
  calculation: '金额的计算',
  basis: { full: '全部已付金额', remaining: '尚未使用的付费时间的价值' },
  paidAmount: '已付金额',
  paidFor: '付费期间',
  share: '比例',
  handlingFee: '扣除手续费',
  refundedBefore: '先前已退',
  evidence: '计量依据',
  samplesBetween: (n, from, to) => `${n} 个，自 ${from} 至 ${to}`,
  noSamples: '无',
  meteredTo: '已计量至',
  range: '审查期间',
  samples: '原始样本',
  traffic: '付款以来的流量',
  events: '已记录的事件',
  outages: '中断',
  noOutages: '无',
  outage: (time, cause, length) => `${time}，${cause}：${length}`,
  openOutage: (from, cause) => `自 ${from} 起，${cause}：仍在持续`,
  check: (id) => `本决定的 JSON 格式（编号 ${id}）载有完整条款、各项事实与全部中断。`,
};
