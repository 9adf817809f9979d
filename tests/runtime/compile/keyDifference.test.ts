import { describe, expect, test } from 'vitest';
import { keyDifference } from '../../../lib/lowrank/src/runtime/compile/keyDifference';

describe('the first difference of two keys', () => {
  test.each([
    ['number 1,number 2', 'number 1,number 3', 'argument 1', '2', '3', false],
    ['@1{a:number 1,b:@2{calls:number 7}}', '@1{a:number 1,b:@2{calls:number 8}}', 'argument 0.b.calls', '7', '8', false],
    ['[@1{a:number 1},@1{a:number 1}]', '[@1{a:number 1},@1{a:number 2}]', 'argument 0[1].a', '1', '2', false],
    ['float32[2,3],int32[4]', 'float32[2,3],int32[14]', 'argument 1', '[4]', '[14]', true],
    ['{x:float32[2,3]}', '{x:float32[2,5]}', 'argument 0.x', '[2,3]', '[2,5]', true],
    ['@1{name:"a,b:{c",n:number 1}', '@1{name:"a,b:{c",n:number 2}', 'argument 0.n', '1', '2', false],
    ['@1{name:"a,b"}', '@1{name:"a,c"}', 'argument 0.name', '"a,b"', '"a,c"', false],
    ['@1{a:boolean true}', '@1{a:boolean false}', 'argument 0.a', 'true', 'false', false],
  ])('%s against %s is at %s #2', (before, now, place, was, is, isShape) => {
    expect(keyDifference(before, now)).toEqual({ place, before: was, now: is, isShape });
  });
});
